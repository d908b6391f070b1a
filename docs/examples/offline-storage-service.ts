import { createEncryptedStorage, DataClassification, type EncryptedStorage, type Secret, VaultError } from 'idbvault';
import { exportArchive, importArchive } from 'idbvault/archive';

const database = 'medical-imaging-offline';
const quarter = 90 * 24 * 3600 * 1000;

/** The server did not do its part. Nothing is lost: the next sync goes on. */
export class SyncError extends Error {}

export class OfflineStorageService {
  private storage: EncryptedStorage | null = null;
  /** Of the archive at the server that this device has seen. */
  private etag: string | null = null;
  /** Whether this device may have something that the server has not. An earlier visit may have left it. */
  private unsent = true;
  private readonly url: string;
  private readonly secret: () => Secret | Promise<Secret>;

  /** `secret` is asked while the vault is locked, and whenever the server has something new. It is the same on all devices. */
  constructor(url: string, secret: () => Secret | Promise<Secret>) {
    this.url = url;
    this.secret = secret;
  }

  async initialize() {
    try {
      await this.open(true);
    } catch (error) {
      // There is no vault, or what a download that was cut off left of one. It comes from the server, where that has one.
      if (!(error instanceof VaultError) || !['ERR_EVICTED', 'ERR_INTEGRITY'].includes(error.code)) throw error;
      await this.alone(() => this.pull());
      await this.open(false);
    }
  }

  private async open(expectVault: boolean) {
    this.storage = await createEncryptedStorage(database, 'encrypted-cache', { secret: this.secret, expectVault });
    this.storage.subscribe(null, () => {
      this.unsent = true;
    });
  }

  async cacheMedicalImage(imageId: string, imageData: string, metadata: { patientId: string; imageType: string }) {
    if (!this.storage) throw new Error('Storage not initialized');
    await this.storage.setEncrypted(`image:${imageId}`, imageData, DataClassification.PHI, metadata);
  }

  async getCachedImage(imageId: string): Promise<string | null> {
    if (!this.storage) throw new Error('Storage not initialized');
    return (await this.storage.getDecrypted(`image:${imageId}`)) || null;
  }

  /** A record that is deleted comes back with the next sync. One without a value travels, and goes by itself. */
  async removeCachedImage(imageId: string) {
    if (!this.storage) throw new Error('Storage not initialized');
    await this.storage.setEncrypted(`image:${imageId}`, '', DataClassification.PHI, undefined, { ttlMs: quarter });
  }

  async syncWithServer() {
    if (!this.storage) throw new Error('Storage not initialized');
    await this.alone(async () => {
      for (let tries = 0; tries < 5; tries++) {
        await this.pull();
        if (await this.push()) return;
      }
      throw new SyncError('Other devices were faster each time. Sync again.');
    });
  }

  /** One tab at a time: two would read one archive into one place. */
  private alone(work: () => Promise<void>): Promise<void> {
    return navigator.locks.request(`sync ${database}`, work);
  }

  /** Takes what the server has, if that is new here: all of it where there is no vault, and else the records that are newer. */
  private async pull() {
    const headers: HeadersInit = this.etag ? { 'If-None-Match': this.etag } : {};
    const response = await fetch(this.url, { cache: 'no-store', headers });
    if (response.status === 304) return;
    if (response.status === 404) {
      this.etag = null;
      this.unsent = true;
      return;
    }
    if (!response.ok || !response.body) throw new SyncError(`The server answered ${response.status}.`);
    await importArchive(database, response.body, { secret: await this.secret(), onConflict: 'newer' });
    this.etag = response.headers.get('ETag');
  }

  /** Sends the vault, sealed as it lies here. False where the server has something by now that this device has not seen. */
  private async push() {
    if (!this.unsent) return true;
    this.unsent = false; // a write from here on may come too late for the archive
    let isSent = false;
    try {
      const body = await new Response(await exportArchive(database)).blob(); // a stream would need HTTP/2, and no Firefox has it
      const headers: HeadersInit = this.etag ? { 'If-Match': this.etag } : { 'If-None-Match': '*' };
      const response = await fetch(this.url, { method: 'PUT', headers, body });
      isSent = response.ok;
      if (isSent) this.etag = response.headers.get('ETag');
      else if (response.status !== 412) throw new SyncError(`The server answered ${response.status}.`);
    } finally {
      if (!isSent) this.unsent = true;
    }
    return isSent;
  }
}
