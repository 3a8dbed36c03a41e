// Models: configurations by name or file, their parameter counts and the work of a token, import and export.
export { GPT2_VOCAB_SIZE, type ModelConfig, modelSchema, namedModels, padVocab, sizeSchema } from "./config.js";
export { numParameters, trainingFlopsPerToken } from "./cost.js";
export { backendOf, DEVICES, type Device, noDevice, requireDevice } from "./device.js";
export { heldOutLoss } from "./held-out.js";
export { checkExport, type ExportOptions, exportHuggingFace } from "./hugging-face/export.js";
export { checkImport, type ImportedTraining, type ImportOptions, importHuggingFace } from "./hugging-face/import.js";
export { inspectHuggingFace } from "./hugging-face/source.js";
export { createInference, type InferenceOptions } from "./inference.js";
export { checkLayout, completeModel, type Layout, type ModelSizes, modelFile, resolveModel } from "./resolve.js";
