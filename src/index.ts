// What the library offers; exports only. Start at prepareSession and verifyDrive; everything else is a part of them.

export { type BitlockerMethod, type BitlockerReport, checkRecoveryPassword, type Secret } from './addon/bitlocker.js'
export { driveIdOf } from './drives/drive-id.js'
export type { DriveProgress } from './drives/drive-progress.js'
export { type Drive, listDrives } from './drives/inventory.js'
export { findVolume, type OpenedDrive, openDrive } from './drives/open-drive.js'
export { readSecretFile } from './drives/unlock-secret.js'
export { type ErrorCode, errorCodes, exitCodes, isTransient, TransferError } from './errors.js'
export { type ExtentTable, type FileTree, filePath } from './file-tree.js'
export { type CopyLogPart, readCopyLog } from './formats/copy-log-reader.js'
export {
  type CopyLogBlob,
  copyLogName,
  encodeCopyLogBlob,
  encodeCopyLogHead,
  encodeCopyLogTail,
} from './formats/copy-log-writer.js'
export { type DatasetRow, parseDataset } from './formats/dataset.js'
export { parseBlobPath, parseDestination } from './formats/destination.js'
export { type DriveInfo, encodeDriveInfo, parseDriveInfo } from './formats/drive-info.js'
export { type DriveSetRow, parseDriveSet } from './formats/drive-set.js'
export { type DriveSpec, parseByteSize, parseDriveSpec } from './formats/drive-spec.js'
export {
  type ImportJob,
  isFinished,
  type JobDrive,
  type JobDriveRequest,
  type JobRequest,
  type JobUpdate,
} from './formats/import-job.js'
export { encodeRecord, type JournalRecord, parseJournal } from './formats/journal.js'
export { type ManifestPart, readManifest } from './formats/manifest-reader.js'
export { type ManifestBlob, type ManifestHeader, writeManifest } from './formats/manifest-writer.js'
export { encodePathMap, type PathMap, parsePathMap } from './formats/path-map.js'
export { certificateNote, type PublishSettings, parsePublishSettings } from './formats/publish-settings.js'
export { redact } from './formats/redact.js'
export { shellWord } from './formats/shell-word.js'
export {
  addressLines,
  type DatacenterLocation,
  knownCarriers,
  parseReturnFile,
  type ReturnAddress,
  type ReturnShipping,
  type ShippedPackage,
} from './formats/shipping.js'
export {
  type StagedCloud,
  type StagedDrive,
  type StagedJob,
  type StagedOrder,
  type StagedShipping,
  stagedClouds,
} from './formats/staged-job.js'
export {
  parseTimes,
  parseUploadLimit,
  type Retention,
  retentionNames,
  type UploadLimit,
  type VaultSchedule,
} from './formats/vault-schedule.js'
export type { VaultSource, VaultState, VaultTarget } from './formats/vault-state.js'
export { type CaptureOptions, type CaptureResult, captureImage } from './image/capture-image.js'
export { type ConvertOptions, type ConvertResult, convertImage } from './image/convert-image.js'
export type { ImageFinding, ImageVerification } from './image/image-findings.js'
export { imageInfo } from './image/image-info.js'
export type { ImageEvent, ImageRun } from './image/image-run.js'
export { type CaptureRequest, planCapture } from './image/plan-capture.js'
export { type ReadImageOptions, readImage } from './image/read-image.js'
export { type RepairedImage, type RepairOptions, repairImage } from './image/repair-image.js'
export type { RestoreTarget } from './image/resolve-targets.js'
export {
  planRestore,
  type RestoreImageOptions,
  type RestorePlan,
  type RestoreRequest,
  type RestoreResult,
  restoreImage,
} from './image/restore-image.js'
export { type VerifyImageOptions, verifyImage } from './image/verify-image.js'
export { writeImageMap, writeImagePicture } from './image/write-map.js'
export { ArmImportService, azurePublicEndpoint, type JobServiceOptions } from './jobs/arm-import-service.js'
export { DataBoxService } from './jobs/data-box-service.js'
export { type CreatedJob, createJob, getJob, type ImportService } from './jobs/import-service.js'
export { drivesFromFiles, drivesFromJournal, type JobDrives } from './jobs/job-drives.js'
export { type JobOrder, orderJob, type Shipment, shipJob } from './jobs/order-job.js'
export { makePackingSlip, type SlipFormat } from './jobs/packing-slip.js'
export { type OrderedReceive, receiveOrdered } from './jobs/receive-order.js'
export { type LocalService, type LocalServiceOptions, startLocalService } from './jobs/service/local-service.js'
export { azureCredential, staticToken } from './jobs/service-credential.js'
export { type JobChange, readStagedJob, StagedJobFolder } from './jobs/staged-job-folder.js'
export type { StagedData } from './jobs/staging-data.js'
export {
  initStagedJob,
  type ListedJob,
  listStagedJobs,
  readStagedDraft,
  refuseDifferent,
  type StagedJobDraft,
} from './jobs/staging-location.js'
export {
  StationClient,
  type StationDrive,
  type StationDriveReport,
  type StationJob,
  type StationJobReport,
} from './jobs/station-client.js'
export {
  packFinishedJobs,
  type ReturnedJob,
  type ReturnPackage,
  reportArrival,
  returnJob,
  type StationJobName,
} from './jobs/station-jobs.js'
export { version } from './package.js'
export { checkJob, checkJobName, type DriveFacts, type JobDraft, sameLocation } from './plan/job-rules.js'
export { planRepair, type RepairBlob, type RepairStep } from './plan/repair-plan.js'
export { repairSourceCandidates } from './plan/repair-source.js'
export { overwritten, type RestorePreview } from './plan/restore-preview.js'
export { retentionWords } from './plan/retention.js'
export type { DriveState, JournalState, SessionState } from './plan/session-state.js'
export { checkShipment, type ShippingReminder, shippingReminder } from './plan/shipment-rules.js'
export { type RuleFinding, type ShippingRule, shippingRules } from './plan/shipping-rules.js'
export type { CheckFinding } from './prepare/check-finding.js'
export { type InspectReport, inspectDrive } from './prepare/inspect-drive.js'
export type { PlannedDrive } from './prepare/lay-out-drives.js'
export type { PrepareOptions, SessionResult } from './prepare/perform-session.js'
export { type PrepareRequest, planSession, type SessionPlan } from './prepare/plan-session.js'
export { abortSession, prepareSession } from './prepare/prepare-session.js'
export { extractFiles, type ListedFile, listFiles } from './prepare/read-files.js'
export { type ReplaceRequest, replaceDrive } from './prepare/replace-drive.js'
export {
  type DriveRequest,
  type DriveTarget,
  driveRequestsFromDriveSet,
  driveRequestsFromSpecs,
} from './prepare/resolve-drives.js'
export type { DriveResult } from './prepare/run-drive.js'
export { readJournal } from './prepare/session-journal.js'
export { readSessionKey } from './prepare/session-key.js'
export { type VerifyOptions, type VerifyReport, verifyDrive } from './prepare/verify-drive.js'
export { chooseKey, type KeyCandidate } from './receive/choose-key.js'
export type { LogSettings, ReceiveDrive } from './receive/receive-drive.js'
export { type ReceiveRequest, type ReceiveResult, receiveDrives } from './receive/receive-drives.js'
export { type RepairRequest, type RepairResult, repairImport } from './receive/repair.js'
export { describeInspection, describeVerification } from './reports/describe-checks.js'
export { copyLogToJson, describeCopyLog } from './reports/describe-copy-log.js'
export { describeDrives, describeFile } from './reports/describe-drives.js'
export {
  describeCapture,
  describeCapturePlan,
  describeImageInfo,
  describeImageVerification,
  describeRestore,
  type ImageInfo,
} from './reports/describe-image.js'
export { describeJob, describeJobLine, describeLocation, jobToJson } from './reports/describe-job.js'
export { describeReceived } from './reports/describe-receive.js'
export {
  describeRepair,
  isDriveLost,
  type RepairLeft,
  type RepairReport,
  repairToJson,
} from './reports/describe-repair.js'
export { describePlan, describeSession, planToJson, sessionToJson } from './reports/describe-session.js'
export { describeStagedJob, describeStagedJobs, listedJobToJson, shippingLines } from './reports/describe-staging.js'
export {
  describeArrival,
  describePacking,
  describeReturn,
  type StationJobFacts,
  stationJobToJson,
} from './reports/describe-station.js'
export { describeSchedule, describeVault } from './reports/describe-vault.js'
export { formatBytes, formatDuration, formatRate } from './reports/format-bytes.js'
export { imageMapSvg } from './reports/image-map-svg.js'
export { printable } from './reports/printable.js'
export { receiveReportToHtml } from './reports/receive-page.js'
export { type ReceivedDrive, type ReceiveReport, receiveReportToJson } from './reports/receive-report.js'
export { type SystemdUnits, systemdUnits } from './reports/systemd-units.js'
export type { BackupProgress } from './restic/back-up.js'
export { makePassword, storePassword } from './restic/password.js'
export type { ForgetResult, Snapshot } from './restic/snapshots.js'
export type { BlobFacts, BlobPlace, BlobProperties, BlobStore } from './storage/blob-store.js'
export type { StorageCredentials } from './storage/credentials.js'
export { type OpenStoreOptions, openBlobStore } from './storage/open-store.js'
export { RateLimit } from './storage/rate-limit.js'
export type { RetryOptions } from './storage/retry-policy.js'
export { type AdoptOptions, type AdoptResult, adoptVault } from './vault/adopt-vault.js'
export { type BackUpOptions, backUpVault, type VaultBackupResult } from './vault/back-up-vault.js'
export { type FreezeOptions, freezeVault, type VaultCargo } from './vault/freeze-vault.js'
export { checkVault, forgetInVault, releaseStaging } from './vault/keep-vault.js'
export { lookAtVault, type VaultLook, vaultSnapshots } from './vault/look-vault.js'
export { previewRestore, type RestoreOptions, restoreVault } from './vault/restore-vault.js'
export { followSchedule, runDueSlot, type ScheduledRun } from './vault/run-schedule.js'
export { type SeedOptions, seedVault } from './vault/seed-vault.js'
export type { VaultAccess } from './vault/vault-access.js'
export { readVaultOwner, readVaultState, VaultFolder } from './vault/vault-folder.js'
