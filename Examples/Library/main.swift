import Kernels
import Layers
import MPIMessaging
import Training

// A model of your own; `space` is what the data's samples and targets are.
let network = ModelRecipe.own { space in
  for channels in [16, 32] {
    Convolution2D(channels, kernel: 3, padding: 1)
    BatchNormalization()
    ReLU()
    MaxPooling2D(2)
  }
  Flatten()
  Dense(space.classes)
}

var job = Job()  // every field has a default; see `apus train --help`
(job.model, job.data) = ("small", "generated")  // or a model that `apus list` shows
(job.batch, job.epochs) = (64, 3)

let ranks = try MPIWorld.start()  // alone, or one of those that mpirun started
let trainer = try Trainer(
  job, model: network, folder: "runs/example", resume: true, style: .lines, over: ranks,
  kernels: KernelSelection.best)
let ending = try trainer.run()
if ranks.rank == 0 { print("held-out accuracy:", ending.heldOut?.accuracy ?? 0) }
