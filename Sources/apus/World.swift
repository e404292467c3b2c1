// Runs a command's body on this process's rank.

import Foundation
import Kernels
import MPIMessaging
import Messaging
import Training

/// The ranks of this job.
enum World {
  /// Starts MPI, agrees on an instruction set, and runs `body`. An error that all ranks share ends
  /// all of them alike; communication that broke takes the job down.
  static func run(_ body: (any Communicator, KernelTable) throws -> ExitCode) throws {
    let communicator: any Communicator
    do { communicator = try MPIWorld.start() } catch { throw Failure(error) }
    Launcher.restoreStandardError()
    do {
      let kernels = try commonKernels(communicator)
      let code = try body(communicator, kernels)
      exit(code.rawValue)
    } catch let error as MessagingError where error.isShared {
      if communicator.rank == 0 { Failure.say("\(error)") }
      exit(ExitCode.internalError.rawValue)
    } catch let error as MessagingError {
      Failure.say("\(error)")
      communicator.abort(code: ExitCode.internalError.rawValue)
    } catch { throw Failure(error) }
  }

  /// The widest instruction set that every rank has: replicas on wider ones would drift away.
  private static func commonKernels(_ communicator: any Communicator) throws -> KernelTable {
    let agreement = Agreement(over: communicator)
    let own = try agreement.agree {
      try KernelSelection.select(environment: ProcessInfo.processInfo.environment)
    }
    let width = try agreement.reduce(Double(own.instructionSet.rawValue), .minimum)
    return try agreement.agree {
      guard let common = InstructionSet(rawValue: Int(width)).flatMap(KernelSelection.table(for:))
      else { throw UsageError("the ranks' processors have no instruction set in common") }
      return common
    }
  }
}
