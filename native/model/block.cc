#include "model/block.h"

#include <cstdio>

namespace millrace {

namespace {

// (B,T,K) as (N,K).
Tensor as_rows(Tensor x) { return x.reshaped(Shape(x.dim(0) * x.dim(1), x.dim(2))); }

// "layer 3 mlp g forward", for collectives.
struct LayerName {
  char text[64];
  LayerName(int64_t layer, const char* what, const char* pass) {
    std::snprintf(text, sizeof(text), "layer %lld %s %s", static_cast<long long>(layer), what, pass);
  }
};

}  // namespace

Status norm_forward(RankEnv& env, const ModelConfig& config, const LayerNorm& norm, const NormedResidual& point) {
  return env.ops->layernorm_forward(*env.context, as_rows(point.y), point.mean, point.rstd, as_rows(point.r),
                                    norm.gamma->value, norm.beta->value, config.layernorm_epsilon);
}

Status norm_backward(RankEnv& env, const LayerNorm& norm, Tensor dr, Tensor dy, const NormedResidual& point) {
  return env.ops->layernorm_backward(*env.context, as_rows(dr), norm.gamma->gradient, norm.beta->gradient, as_rows(dy),
                                     as_rows(point.r), point.mean, point.rstd, norm.gamma->value);
}

Status TransformerBlock::attention_forward(RankEnv& env, const ModelConfig& config, const char* pass,
                                           const NormedResidual& in, const LayerActivations& kept,
                                           const LayerWorkspace& space, const DropoutSource& dropout) const {
  const OpTable& ops = *env.ops;
  Context& context = *env.context;
  const long long number = layer;

  env.enter("layer %lld attention qkv %s", number, pass);
  MR_RETURN_IF_ERROR(qkv.forward(env, as_rows(kept.qkv), as_rows(in.y), LayerName(layer, "attention f", pass).text));
  env.enter("layer %lld attention %s", number, pass);
  MR_RETURN_IF_ERROR(
      ParallelAttention::forward(env, config, kept.attention, kept.lse, kept.qkv, dropout.at(Site::kAttention, layer)));
  env.enter("layer %lld attention out %s", number, pass);
  MR_RETURN_IF_ERROR(
      out.forward(env, as_rows(space.branch), as_rows(kept.attention), LayerName(layer, "attention g", pass).text));
  env.enter("layer %lld attention residual %s", number, pass);
  return ops.residual_layernorm_forward(context, kept.middle.r, kept.middle.y, kept.middle.mean, kept.middle.rstd, in.r,
                                        space.branch, out.bias_after(env), norm_2.gamma->value, norm_2.beta->value,
                                        config.layernorm_epsilon, dropout.at(Site::kAttentionOutput, layer));
}

Status TransformerBlock::mlp_up_forward(RankEnv& env, const ModelConfig& config, const char* pass,
                                        const LayerActivations& kept) const {
  env.enter("layer %lld mlp up %s", static_cast<long long>(layer), pass);
  return up.forward_gelu(env, config.gelu, kept.gelu, kept.pre, as_rows(kept.middle.y),
                         LayerName(layer, "mlp f", pass).text);
}

Status TransformerBlock::forward(RankEnv& env, const ModelConfig& config, const NormedResidual& in,
                                 const LayerActivations& kept, const LayerNorm& next_norm, const NormedResidual& next,
                                 const LayerWorkspace& space, const DropoutSource& dropout) const {
  const long long number = layer;
  MR_RETURN_IF_ERROR(attention_forward(env, config, "forward", in, kept, space, dropout));
  MR_RETURN_IF_ERROR(mlp_up_forward(env, config, "forward", kept));
  env.enter("layer %lld mlp down forward", number);
  MR_RETURN_IF_ERROR(down.forward(env, as_rows(space.branch), kept.gelu, LayerName(layer, "mlp g", "forward").text));
  env.enter("layer %lld mlp residual forward", number);
  return env.ops->residual_layernorm_forward(
      *env.context, next.r, next.y, next.mean, next.rstd, kept.middle.r, space.branch, down.bias_after(env),
      next_norm.gamma->value, next_norm.beta->value, config.layernorm_epsilon, dropout.at(Site::kMlpOutput, layer));
}

Status TransformerBlock::recompute(RankEnv& env, const ModelConfig& config, Recompute policy, const NormedResidual& in,
                                   const LayerActivations& kept, const LayerWorkspace& space,
                                   const DropoutSource& dropout) const {
  if (policy == Recompute::kNone) return ok();
  const long long number = layer;
  env.enter("layer %lld attention norm recompute", number);
  MR_RETURN_IF_ERROR(norm_forward(env, config, norm_1, in));
  if (policy == Recompute::kFull) {
    MR_RETURN_IF_ERROR(attention_forward(env, config, "recompute", in, kept, space, dropout));
    return mlp_up_forward(env, config, "recompute", kept);
  }
  env.enter("layer %lld mlp norm recompute", number);
  MR_RETURN_IF_ERROR(norm_forward(env, config, norm_2, kept.middle));
  env.enter("layer %lld mlp gelu recompute", number);
  return env.ops->gelu_forward(*env.context, config.gelu, kept.gelu, kept.pre);
}

Status TransformerBlock::mlp_backward(RankEnv& env, const ModelConfig& config, Tensor dr, const LayerActivations& kept,
                                      const LayerWorkspace& space, const DropoutSource& dropout) const {
  const long long number = layer;
  env.enter("layer %lld mlp residual backward", number);
  MR_RETURN_IF_ERROR(env.ops->bias_dropout_backward(*env.context, space.branch, down.bias->gradient, dr,
                                                    dropout.at(Site::kMlpOutput, layer)));
  env.enter("layer %lld mlp down backward", number);
  MR_RETURN_IF_ERROR(down.backward_gelu(env, config.gelu, space.dpre, as_rows(space.branch), kept.gelu, kept.pre,
                                        LayerName(layer, "mlp g", "backward").text));
  env.enter("layer %lld mlp up backward", number);
  MR_RETURN_IF_ERROR(up.backward(env, as_rows(space.dy), space.dpre, as_rows(kept.middle.y),
                                 LayerName(layer, "mlp f", "backward").text));
  env.enter("layer %lld mlp norm backward", number);
  return norm_backward(env, norm_2, dr, space.dy, kept.middle);
}

Status TransformerBlock::attention_backward(RankEnv& env, const ModelConfig& config, Tensor dr,
                                            const NormedResidual& in, const LayerActivations& kept,
                                            const LayerWorkspace& space, const DropoutSource& dropout) const {
  const long long number = layer;
  env.enter("layer %lld attention residual backward", number);
  MR_RETURN_IF_ERROR(env.ops->bias_dropout_backward(*env.context, space.branch, out.bias->gradient, dr,
                                                    dropout.at(Site::kAttentionOutput, layer)));
  env.enter("layer %lld attention out backward", number);
  MR_RETURN_IF_ERROR(out.backward(env, as_rows(space.dattention), as_rows(space.branch), as_rows(kept.attention),
                                  LayerName(layer, "attention g", "backward").text));
  env.enter("layer %lld attention backward", number);
  MR_RETURN_IF_ERROR(ParallelAttention::backward(env, config, space.dqkv, space.dattention, kept.qkv, kept.attention,
                                                 kept.lse, dropout.at(Site::kAttention, layer)));
  env.enter("layer %lld attention qkv backward", number);
  MR_RETURN_IF_ERROR(qkv.backward(env, as_rows(space.dy), as_rows(space.dqkv), as_rows(in.y),
                                  LayerName(layer, "attention f", "backward").text));
  env.enter("layer %lld attention norm backward", number);
  return norm_backward(env, norm_1, dr, space.dy, in);
}

Status TransformerBlock::backward(RankEnv& env, const ModelConfig& config, Tensor dr, const NormedResidual& in,
                                  const LayerActivations& kept, const LayerWorkspace& space,
                                  const DropoutSource& dropout) const {
  MR_RETURN_IF_ERROR(mlp_backward(env, config, dr, kept, space, dropout));
  return attention_backward(env, config, dr, in, kept, space, dropout);
}

}  // namespace millrace
