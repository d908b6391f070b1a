// In the place of trouble-later.ts where all is in one file: a module that is imported later costs more there than it has.
import { forbidden, lacking, unlike } from './trouble.ts';

export const importTrouble = async () => ({ forbidden, lacking, unlike });
