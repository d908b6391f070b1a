import { installEncryptedCache } from 'idbvault/service-worker';

installEncryptedCache({
  database: 'medical-imaging-offline',
  match: '/api/image/',
  classification: 'phi',
  precache: ['/', '/idbvault.wasm'], // and the application's scripts
});
