import { epochsOf, type Write } from './model.ts';
import { type After, type Operation, opensWith, several, type Vault, write } from './operations.ts';

const records: Write[] = [
  ...several(150, (i) => write('a', `a${i}`, `of a, ${i}`)),
  ...several(150, (i) => write('b', `b${i}`, `of b, ${i}`)),
  write('a', 'long', 'long of a', 100_000),
  write('b', 'long', 'long of b', 100_000),
];

/** Every record is under one epoch. */
function oneEpoch({ look, fault }: After): void {
  if (epochsOf(look).length !== 1) fault('mixed', `${look.state}, with epochs ${epochsOf(look)}`);
}

/** After a first rotation was begun, every record is under the epoch that the state says, or one of the two of them. */
function knownEpochs({ look, fault }: After): void {
  const known = { none: '1', rotated: '2' }[look.state];
  if (known ? String(epochsOf(look)) !== known : epochsOf(look).some((epoch) => epoch > 2))
    fault('mixed', `${look.state}, with epochs ${epochsOf(look)}`);
}

/** The state is one that the operation goes through, of which the last is what it acknowledges. */
function passes({ look, done, fault }: After, ...states: string[]): void {
  if (done && look.state !== states.at(-1)) fault('lost', `acknowledged, and the rotation is ${look.state}`);
  if (!states.includes(look.state)) fault('other', `the rotation is ${look.state}`);
}

/** Brings a rotation to its end, with the secret that opens the vault. Every other turn it goes the way that is given. */
async function resolve(after: After, way: 'commit' | 'roll back', newSecret = false): Promise<void> {
  const { page, vault, look, fault } = after;
  const other = way === 'commit' ? 'roll back' : 'commit';
  const how = after.turn % 2 === 0 || look.state === 'rolling-back' ? way : other;
  const stillOld = look.codes[0] === 'no error';
  const { error } = await page.evaluate(
    async ({ db, state, how, secret, next }) =>
      crash.run(0, async () => {
        await crash.open(db, 'a', secret);
        const rotation = crash.rotation(db);
        const given = { secret: crash.secret(secret) };
        if (how === 'roll back') {
          if (state !== 'none') await rotation.rollbackRotation(given);
          return;
        }
        const changing = next ? { newSecret: crash.secret(next) } : {};
        if (state !== 'rotated') await rotation.rotateKeys({ ...given, ...changing });
        await rotation.commitRotation(next ? { secret: crash.secret(next) } : given);
      }),
    {
      db: vault.db,
      state: look.state,
      how,
      secret: stillOld ? vault.secret : vault.newSecret,
      next: newSecret && stillOld ? vault.newSecret : null,
    },
  );
  if (error) fault('other', `to ${how} from ${look.state}: ${error}`);
  await after.again();
  if (after.look.state !== 'none') fault('other', `after ${how} the rotation is ${after.look.state}`);
  oneEpoch(after);
  if (newSecret && how === 'commit') opensWith(after, 'newSecret');
  else opensWith(after, 'secret', ...(newSecret ? (['newSecret'] as const) : []));
}

/** Rotates, with a write of another record beside it. */
const rotating =
  (newSecret: boolean): Operation['run'] =>
  (page, { vault, at, writes }) =>
    page.evaluate(
      ({ vault, at, writes, next }) =>
        crash.run(at, async () => {
          const storage = await crash.open(vault.db, 'a', vault.secret);
          const changing = next ? { newSecret: crash.secret(next) } : {};
          const rotated = crash.rotation(vault.db).rotateKeys({ secret: crash.secret(vault.secret), ...changing });
          await Promise.all([rotated, ...writes.map((w) => crash.set(storage, w))]);
          await crash.ack('done');
        }),
      { vault, at, writes, next: newSecret ? vault.newSecret : null },
    );

const rotated = async (page: Parameters<Operation['run']>[0], vault: Vault) => {
  const { error } = await rotating(false)(page, { vault, at: 0, writes: [], tab: 0 });
  if (error) throw new Error(`to rotate: ${error}`);
};

const rotate: Operation = {
  name: 'rotateKeys',
  short: ['encrypt', 'put'],
  share: 50,
  before: records,
  writes: [write('a', 'a7', 'written meanwhile')],
  run: rotating(false),
  async check(after) {
    opensWith(after, 'secret');
    passes(after, 'none', 'rotating', 'rotated');
    knownEpochs(after);
    await resolve(after, 'commit');
  },
};

const rotateToNewSecret: Operation = {
  ...rotate,
  name: 'rotateKeys with a new secret',
  short: ['put'],
  share: 30,
  run: rotating(true),
  async check(after) {
    opensWith(after, 'secret', 'newSecret');
    passes(after, 'none', 'rotating', 'rotated');
    knownEpochs(after);
    await resolve(after, 'commit', true);
  },
};

const rollback: Operation = {
  ...rotate,
  name: 'rollbackRotation',
  short: ['put'],
  share: 30,
  writes: [],
  prepare: rotated,
  run: (page, given) =>
    page.evaluate(
      ({ vault, at }) =>
        crash.run(at, async () => {
          await crash.rotation(vault.db).rollbackRotation({ secret: crash.secret(vault.secret) });
          await crash.ack('done');
        }),
      given,
    ),
  async check(after) {
    opensWith(after, 'secret');
    passes(after, 'rotated', 'rolling-back', 'none');
    if (after.look.state !== 'rolling-back') oneEpoch(after);
    await resolve(after, 'roll back');
  },
};

const commit: Operation = {
  ...rollback,
  name: 'commitRotation',
  short: ['complete'],
  share: 20,
  run: (page, given) =>
    page.evaluate(
      ({ vault, at }) =>
        crash.run(at, async () => {
          await crash.rotation(vault.db).commitRotation({ secret: crash.secret(vault.secret) });
          await crash.ack('done');
        }),
      given,
    ),
  async check(after) {
    opensWith(after, 'secret');
    passes(after, 'rotated', 'none');
    oneEpoch(after);
    // From 'none' there is no way back, and no need of one.
    if (after.look.state === 'rotated') await resolve(after, 'commit');
  },
};

export const rotations: Operation[] = [rotate, rotateToNewSecret, rollback, commit];
