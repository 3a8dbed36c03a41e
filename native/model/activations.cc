#include "model/activations.h"

namespace millrace {

namespace {

struct Form {
  Shape shape;
  bool statistic = false;  // of wide_dtype()
};

struct Forms {
  Form tokens;     // (B,T,C)
  Form tokens_p;   // (B,T,C_p)
  Form qkv;        // (B,T,3*C_p)
  Form heads;      // (B,H_p,T)
  Form wide;       // (N,F_p)
  Form statistic;  // (N)

  Forms(const ModelConfig& config, int tensor_size, int64_t batch, int64_t time)
      : tokens{Shape(batch, time, config.hidden_size)},
        tokens_p{Shape(batch, time, config.hidden_size / tensor_size)},
        qkv{Shape(batch, time, 3 * config.hidden_size / tensor_size)},
        heads{Shape(batch, config.num_heads / tensor_size, time), true},
        wide{Shape(batch * time, config.feed_forward_size() / tensor_size)},
        statistic{Shape(batch * time), true} {}
};

// The lists of what there is. Each calls visit(tensor, the same tensor of `other`, its form) and stops at an error;
// `other` is what all layers share while allocating, and the largest shape while shaping.

template <class Point, class Visit>
Status visit_norm(NormedResidual& point, Point& other, const Forms& forms, const Visit& visit) {
  MR_RETURN_IF_ERROR(visit(point.y, other.y, forms.tokens));
  MR_RETURN_IF_ERROR(visit(point.mean, other.mean, forms.statistic));
  return visit(point.rstd, other.rstd, forms.statistic);
}

template <class Layer, class Visit>
Status visit_products(LayerActivations& layer, Layer& other, const Forms& forms, const Visit& visit) {
  MR_RETURN_IF_ERROR(visit(layer.qkv, other.qkv, forms.qkv));
  MR_RETURN_IF_ERROR(visit(layer.attention, other.attention, forms.tokens_p));
  MR_RETURN_IF_ERROR(visit(layer.lse, other.lse, forms.heads));
  MR_RETURN_IF_ERROR(visit(layer.middle.r, other.middle.r, forms.tokens));
  return visit(layer.pre, other.pre, forms.wide);
}

template <class Space, class Visit>
Status visit_space(LayerWorkspace& space, Space& other, const Forms& forms, const Visit& visit) {
  MR_RETURN_IF_ERROR(visit(space.branch, other.branch, forms.tokens));
  MR_RETURN_IF_ERROR(visit(space.dy, other.dy, forms.tokens));
  MR_RETURN_IF_ERROR(visit(space.dattention, other.dattention, forms.tokens_p));
  MR_RETURN_IF_ERROR(visit(space.dqkv, other.dqkv, forms.qkv));
  return visit(space.dpre, other.dpre, forms.wide);
}

}  // namespace

Status Activations::allocate(DType dtype, const ModelConfig& config, int tensor_size, Recompute recompute,
                             int64_t batch, int64_t time, Arena& arena) {
  const Forms forms(config, tensor_size, batch, time);
  // A tensor that is not kept for each layer is allocated for the first one and becomes everybody's. A measuring
  // arena's tensors have no data, so the rank tells whether that has happened.
  const auto placed = [&arena, dtype](bool kept) {
    return [&arena, dtype, kept](Tensor& tensor, Tensor& common, const Form& form) -> Status {
      const DType own = form.statistic ? wide_dtype(dtype) : dtype;
      if (kept) return arena.alloc(own, form.shape, &tensor);
      if (common.shape.rank == 0) MR_RETURN_IF_ERROR(arena.alloc(own, form.shape, &common));
      tensor = common;
      return ok();
    };
  };
  const auto own = placed(true);
  const auto product = placed(recompute != Recompute::kFull);
  const auto cheap = placed(recompute == Recompute::kNone);

  const size_t num_layers = static_cast<size_t>(config.num_layers);
  points.assign(num_layers + 1, NormedResidual{});
  layers.assign(num_layers, LayerActivations{});
  NormedResidual common_input;
  LayerActivations common;
  for (NormedResidual& point : points) MR_RETURN_IF_ERROR(own(point.r, point.r, forms.tokens));
  for (size_t l = 0; l < num_layers; ++l) {
    MR_RETURN_IF_ERROR(visit_norm(points[l], common_input, forms, cheap));
    MR_RETURN_IF_ERROR(visit_products(layers[l], common, forms, product));
    MR_RETURN_IF_ERROR(visit_norm(layers[l].middle, common.middle, forms, cheap));
    MR_RETURN_IF_ERROR(cheap(layers[l].gelu, common.gelu, forms.wide));
  }
  MR_RETURN_IF_ERROR(visit_norm(points.back(), points.back(), forms, own));
  MR_RETURN_IF_ERROR(visit_space(space, space, forms, own));
  return own(dr, dr, forms.tokens);
}

void Activations::view(const ModelConfig& config, int tensor_size, int64_t batch, int64_t time,
                       Activations* out) const {
  const Forms forms(config, tensor_size, batch, time);
  const auto shaped = [](Tensor& tensor, const Tensor& whole, const Form& form) {
    tensor = whole.reshaped(form.shape);
    return ok();
  };
  out->points.resize(points.size());
  out->layers.resize(layers.size());
  // Views do not fail.
  for (size_t l = 0; l < points.size(); ++l) {
    (void)shaped(out->points[l].r, points[l].r, forms.tokens);
    (void)visit_norm(out->points[l], points[l], forms, shaped);
  }
  for (size_t l = 0; l < layers.size(); ++l) {
    (void)visit_products(out->layers[l], layers[l], forms, shaped);
    (void)visit_norm(out->layers[l].middle, layers[l].middle, forms, shaped);
    (void)shaped(out->layers[l].gelu, layers[l].gelu, forms.wide);
  }
  (void)visit_space(out->space, space, forms, shaped);
  (void)shaped(out->dr, dr, forms.tokens);
}

}  // namespace millrace
