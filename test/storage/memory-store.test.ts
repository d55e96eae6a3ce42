import { MemoryStore } from '../../src/storage/memory-store.js'
import { testBlobStore } from './conformance.js'

testBlobStore('memory', async () => {
  const store = new MemoryStore()
  await store.createContainer('container')
  return { store, container: 'container' }
})
