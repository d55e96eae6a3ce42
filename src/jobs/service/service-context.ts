// What the routes of the local service share.

import type { DatacenterLocation } from '../../formats/shipping.js'
import type { JobBook } from './job-book.js'
import type { ServiceClock } from './service-clock.js'

export interface ServiceContext {
  book: JobBook
  clock: ServiceClock
  locations: readonly DatacenterLocation[]
}
