import Kernels
import MPIMessaging
import Training

var job = Job()  // every field has a default; see `apus train --help`
(job.model, job.data) = ("mlp", "generated")
(job.batch, job.epochs) = (64, 3)

let ranks = try MPIWorld.start()  // alone, or one of those that mpirun started
let trainer = try Trainer(
  job, folder: "runs/example", resume: true, style: .lines, over: ranks,
  kernels: KernelSelection.best)
let ending = try trainer.run()
if ranks.rank == 0 { print("held-out accuracy:", ending.heldOut?.accuracy ?? 0) }
