// How a tokenization is called where one is chosen among several.
import type { Tokenization } from '../queries';

export function tokenizationName({ tokenizer_name, max_length, stride, config }: Tokenization): string {
  const shape =
    config.packing === 'concat' ? `packed to ${max_length}` : `window ${max_length}, stride ${stride}`;
  return `${tokenizer_name}, ${shape}`;
}
