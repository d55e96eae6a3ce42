// The state page in a real browser: signing in, following changes, hostile text, and nothing loaded from elsewhere.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { chromium, type Page } from 'playwright-core'
import { browserFlags, browserMissing, browserPath } from '../browser.js'
import { jobBody, shipping, startService, subscriptionId } from './local-service.js'

async function openPage(url: string): Promise<{ page: Page; elsewhere: string[]; complaints: string[] }> {
  const profile = mkdtempSync(join(tmpdir(), 'diskferry-chromium-'))
  const options = { executablePath: browserPath, args: browserFlags, timeout: 120_000 }
  const browser = await chromium.launchPersistentContext(profile, options)
  after(async () => {
    await browser.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  })
  const page = await browser.newPage()
  page.setDefaultTimeout(60_000)
  const elsewhere: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) elsewhere.push(request.url())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/401/.test(message.text())) complaints.push(message.text())
  })
  return { page, elsewhere, complaints }
}

test('somebody signs in and watches a job', { skip: browserMissing, timeout: 300_000 }, async () => {
  const { service, token, job, call } = await startService()
  const { page, elsewhere, complaints } = await openPage(service.url)

  await page.goto(service.url)
  assert.equal(new URL(page.url()).pathname, '/login')
  await page.fill('#token', 'guess')
  await page.click('button')
  await page.waitForSelector('text=That is not the token')
  await page.fill('#token', token)
  await page.click('button')
  await page.waitForSelector('text=No job has been ordered yet')
  await page.waitForSelector('.live[data-on]')
  assert.equal(page.url().includes(token), false)

  const body = jobBody('W1', 'W2')
  body.properties.returnAddress.recipientName = '<img src=x onerror="document.title=1">'
  await job('PUT', 'seed', body)
  await page.waitForSelector('h3:has-text("seed")')
  assert.match((await page.textContent('article')) ?? '', /Waits for its package/)
  assert.match((await page.textContent('article')) ?? '', /<img src=x onerror/)
  await job('PATCH', 'seed', shipping('1ZBROWSER', 2))
  await page.waitForSelector('text=1ZBROWSER')

  await page.click('summary:has-text("History")')
  const report = (driveId: string, change: object) => call('POST', `/station/v1/drives/${driveId}/report`, change)
  await report('W1', { state: 'Received' })
  await report('W2', { state: 'NeverReceived' })
  await report('W1', { state: 'Transferring' })
  await report('W1', { percentComplete: 60, bytesSucceeded: 3 * 1024 ** 3 })
  await page.waitForSelector('progress[value="60"]')
  assert.match((await page.textContent('.attention')) ?? '', /Drive W2 never arrived/)
  assert.match((await page.textContent('tbody')) ?? '', /3(\.0+)? GiB/)
  assert.equal(await page.locator('article details[open]').count(), 1, 'what was open stays open')

  const place = `/station/v1/jobs/${subscriptionId}/rg/seed/report`
  await report('W1', { state: 'Completed', verboseLogUri: 'https://store.example/log.xml' })
  await call('POST', place, { state: 'Packaging' })
  const returnPackage = { carrierName: 'UPS', trackingNumber: '1Z1', driveCount: 1, shipDate: '2026-12-01' }
  await call('POST', place, { state: 'Completed', returnPackage })
  await page.waitForSelector('.ended >> text=Closed with problems')

  await page.click('text=Sign out')
  await page.waitForSelector('#token')
  await page.goto(service.url)
  assert.equal(new URL(page.url()).pathname, '/login')
  assert.deepEqual(elsewhere, [])
  assert.deepEqual(complaints, [])
})
