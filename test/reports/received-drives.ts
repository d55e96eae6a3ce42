// Made drives for the tests of receive reports: one of each outcome, with names as bad as they come.

import type { ReceivedDrive, ReceiveReport } from '../../src/reports/receive-report.js'

const checked = [
  'the partition table and BitLocker’s three copies of its metadata',
  'the manifest against the hash in the job',
  'every block against its MD5 in the manifest',
]

export const completeDrive: ReceivedDrive = {
  driveId: '9WM35C2V',
  path: '/dev/sdb',
  serial: '9WM35C2V',
  status: 'Completed',
  manifest: { hash: '700ce7e21ed55525977faf7aaa9e546b', checkedAgainst: 'the hash in the job' },
  checked,
  blobs: { total: 1_204_331, imported: 1_204_331, renamed: 0, overwritten: 12, skipped: 0, failed: 0 },
  bytesImported: 7_312_004_112_384,
  bytesThere: 0,
  blocksDamaged: 0,
  seconds: 21_614,
  logs: [{ kind: 'verbose', location: 'waimportexport/waies/seed-3_9WM35C2V_20261121-034307-902_verbose.xml' }],
  failures: [],
  failuresTotal: 0,
}

export const partlyDrive: ReceivedDrive = {
  ...completeDrive,
  driveId: 'WD-WX41A26H7790',
  path: '/dev/disk/by-id/usb-WD_Elements_25A3_WX41A26H7790-0:0',
  serial: 'WD-WX41A26H7790',
  status: 'CompletedWithErrors',
  blobs: { total: 48_210, imported: 47_100, renamed: 3100, overwritten: 0, skipped: 1066, failed: 44 },
  bytesImported: 2_998_100_412_160,
  bytesThere: 812_447_301_632,
  blocksDamaged: 3,
  seconds: 11_200,
  logs: [
    { kind: 'error', location: 'waimportexport/waies/seed-3_WD-WX41A26H7790_20261121-034307-902_error.xml' },
    { kind: 'verbose', location: 'waimportexport/waies/seed-3_WD-WX41A26H7790_20261121-034307-902_verbose.xml' },
  ],
  failures: [
    {
      blobPath:
        'archive/2019/projects/harbour-extension/survey/point-clouds/2019-08-14_scan_north-quay_full-resolution.e57',
      filePath:
        '\\archive\\2019\\projects\\harbour-extension\\survey\\point-clouds\\2019-08-14_scan_north-quay_full-resolution.e57',
      status: 'CompletedWithErrors',
      message: 'Blocks 17 and 18 of 412 differ from the manifest, bytes 71,303,168 to 79,691,775.',
    },
    { blobPath: 'archive/2020/db.dump', filePath: '\\archive\\2020\\db.dump', status: 'LeasePresent', message: '' },
    {
      blobPath: 'photos/<img src=x onerror=alert(1)>&"\'.jpg',
      filePath: '\\photos\\\u202egpj.exe\u0007\n<script>alert(2)</script>',
      status: 'FileNotFound',
      message: 'The manifest names a file that is not on the drive.',
    },
  ],
  failuresTotal: 44,
}

export const lockedDrive: ReceivedDrive = {
  ...completeDrive,
  driveId: 'IMG4F0C',
  path: 'drives/third.img',
  serial: undefined,
  status: 'BitLockerKeyInvalid',
  message: 'The key of protector {5F2A9D31-…} does not open the volume.',
  manifest: undefined,
  checked: ['the partition table'],
  blobs: { total: 0, imported: 0, renamed: 0, overwritten: 0, skipped: 0, failed: 0 },
  bytesImported: 0,
  seconds: 4.2,
  logs: [],
}

export function reportOf(drives: readonly ReceivedDrive[]): ReceiveReport {
  return {
    startedAt: '2026-11-21T03:43:07.902Z',
    finishedAt: '2026-11-21T09:51:20.000Z',
    account: 'seedaccount',
    drives,
  }
}

export function tenDrives(): ReceivedDrive[] {
  return Array.from({ length: 10 }, (_, index) => {
    if (index === 3) return partlyDrive
    if (index === 7) return lockedDrive
    const driveId = `ZR5${index}0K9${index * 7}`
    const isSkipped = index === 5
    const renamed = index === 1 ? 20_000 : 0
    return {
      ...completeDrive,
      driveId,
      serial: driveId,
      path: `/dev/sd${'bcdefghijk'[index]}`,
      status: index === 1 ? 'CompletedWithWarnings' : 'Completed',
      blobs: {
        total: 90_000,
        imported: isSkipped ? 40_000 : 90_000,
        renamed,
        overwritten: 0,
        skipped: isSkipped ? 50_000 : 0,
        failed: 0,
      },
      bytesImported: 3_000_000_000_000 + index * 411_000_000_000,
      seconds: 15_000 + index * 700,
    }
  })
}
