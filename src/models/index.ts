// Models: configurations by name or file, their parameter counts and the work of a token.
export { GPT2_VOCAB_SIZE, type ModelConfig, modelSchema, namedModels, padVocab } from "./config.js";
export { numParameters, trainingFlopsPerToken } from "./cost.js";
export { heldOutLoss } from "./held-out.js";
export { checkLayout, completeModel, type Layout, type ModelSizes, modelFile, resolveModel } from "./resolve.js";
