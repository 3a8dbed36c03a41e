// The schema of a Parquet file as the nodes that rows are put together by: which levels say that a value is there, which
// groups stand for lists and maps (parquet-format, LogicalTypes.md, with its rules for older writers).
import type { SchemaTree } from "./parquet-library.js";

export interface ParquetNode {
  readonly name: string;
  /** The name as JSON, with its colon. */
  readonly key: string;
  /** Names from the column down. */
  readonly path: readonly string[];
  readonly isOptional: boolean;
  /** Levels at which the node itself is there. */
  readonly definition: number;
  readonly repetition: number;
  readonly kind: NodeKind;
  /** Numbers of the leaves below it, of itself when it is one. */
  readonly leaves: readonly number[];
}

export type NodeKind =
  | { readonly is: "leaf"; readonly leaf: number }
  | { readonly is: "struct"; readonly children: readonly ParquetNode[] }
  /** `repeated`: the levels at which there is an element. */
  | { readonly is: "list"; readonly repeated: Levels; readonly element: ParquetNode }
  | { readonly is: "map"; readonly repeated: Levels; readonly entry: readonly [ParquetNode, ParquetNode] };

export interface Levels {
  readonly definition: number;
  readonly repetition: number;
}

/** What is stored: one column chunk in every row group. */
export interface ParquetLeaf {
  /** From the root down to the leaf. */
  readonly schemaPath: readonly SchemaTree[];
  readonly path: readonly string[];
  readonly isRepeated: boolean;
  readonly definition: number;
}

export interface ParquetSchema {
  readonly columns: readonly ParquetNode[];
  readonly leaves: readonly ParquetLeaf[];
}

export function readSchema(root: SchemaTree): ParquetSchema {
  const leaves: ParquetLeaf[] = [];
  const nodeOf = (path: readonly SchemaTree[], before: Levels): ParquetNode => {
    const tree = path[path.length - 1]!;
    const { name, repetition_type: repetitionType } = tree.element;
    const isRepeated = repetitionType === "REPEATED";
    const isOptional = repetitionType === "OPTIONAL";
    const levels = {
      definition: before.definition + (isRepeated || isOptional ? 1 : 0),
      repetition: before.repetition + (isRepeated ? 1 : 0),
    };
    const first = leaves.length;
    const kind = kindOf(path, levels);
    const common = { name, key: `${JSON.stringify(name)}:`, path: path.slice(1).map(({ element }) => element.name) };
    const own = Array.from({ length: leaves.length - first }, (_, i) => first + i);
    const node = { ...common, isOptional, ...levels, kind, leaves: own };
    // A repeated field that no group declares to be a list is one all the same, of values that are there.
    return isRepeated ? { ...node, ...before, kind: { is: "list", repeated: levels, element: node } } : node;
  };
  const kindOf = (path: readonly SchemaTree[], levels: Levels): NodeKind => {
    const { element, children } = path[path.length - 1]!;
    if (children.length === 0) {
      const names = path.slice(1).map((tree) => tree.element.name);
      leaves.push({ schemaPath: path, path: names, isRepeated: levels.repetition > 0, definition: levels.definition });
      return { is: "leaf", leaf: leaves.length - 1 };
    }
    const annotation = element.logical_type?.type ?? element.converted_type;
    const [only] = children;
    if (children.length === 1 && only!.element.repetition_type === "REPEATED") {
      const repeated = { definition: levels.definition + 1, repetition: levels.repetition + 1 };
      if (annotation === "LIST") return { is: "list", repeated, element: elementOf(path, only!, repeated) };
      if ((annotation === "MAP" || annotation === "MAP_KEY_VALUE") && only!.children.length === 2) {
        const [key, value] = only!.children.map((child) => nodeOf([...path, only!, child], repeated));
        return { is: "map", repeated, entry: [key!, value!] };
      }
    }
    return { is: "struct", children: children.map((child) => nodeOf([...path, child], levels)) };
  };
  const elementOf = (path: readonly SchemaTree[], repeated: SchemaTree, levels: Levels): ParquetNode => {
    const { name } = repeated.element;
    const listName = path[path.length - 1]!.element.name;
    const isElement = repeated.children.length !== 1 || name === "array" || name === `${listName}_tuple`;
    if (!isElement) return nodeOf([...path, repeated, repeated.children[0]!], levels);
    // The repeated field is itself the element: two levels instead of three.
    const first = leaves.length;
    const kind = kindOf([...path, repeated], levels);
    const own = Array.from({ length: leaves.length - first }, (_, i) => first + i);
    return { name, key: `${JSON.stringify(name)}:`, path: [], isOptional: false, ...levels, kind, leaves: own };
  };
  return { columns: root.children.map((child) => nodeOf([root, child], { definition: 0, repetition: 0 })), leaves };
}
