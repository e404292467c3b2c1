// A dense layer on sparse samples: only those rows of the weights are read, and only their gradients
// are added to, that a sample names. Cost: 2 * entries * out FLOPs forward, as many backward, and one
// pass over the gradient to clear it.

import Basics
import Kernels

extension Dense {
  /// What the layer needs where samples are sparse rows.
  func sparsePlan(_ context: PlanContext) -> LayerPlan {
    var plan = LayerPlan(output: Shape([features]))
    plan.parameters = parameters(context.input.count)
    activation.plan(&plan)
    plan.kernel = "sparse rows"
    return plan
  }

  func sparseForward(_ pass: LayerPass) {
    let bias = hasBias ? pass.parameter(1) : nil
    for sample in 0..<pass.count {
      let row = pass.rows[sample]
      pass.kernels.sparseRowProduct(
        row.count, indices: row.indices, values: row.values, columns: features,
        w: pass.parameter(0), bias: bias, y: pass.y + sample * features)
    }
    activation.forward(pass)
  }

  func sparseBackward(_ pass: LayerPass) {
    activation.backward(pass)
    if pass.isFirst {
      pass.gradient(0).update(repeating: 0, count: pass.input.count * features)
    }
    for sample in 0..<pass.count {
      let row = pass.rows[sample]
      pass.kernels.sparseRowScatter(
        row.count, indices: row.indices, values: row.values, columns: features,
        dy: FloatsIn(pass.dy + sample * features), dw: pass.gradient(0))
    }
    if hasBias {
      pass.kernels.sumRows(
        rows: pass.count, columns: features, x: FloatsIn(pass.dy), add: !pass.isFirst,
        y: pass.gradient(1))
    }
    pass.finishGradients()
  }
}
