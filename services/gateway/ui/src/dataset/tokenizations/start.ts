// Starts a tokenization.
import type { Schemas } from '../../api/client';
import { datasetsStore } from '../../store/datasetsStore';
import type { TokenizeRequest } from './form';

export function startTokenization(datasetId: string, request: TokenizeRequest) {
  // Every field has a default, which the generated type does not know: it wants each to be there, or null.
  return datasetsStore.getState().startTokenization(datasetId, request as Schemas['TokenizeConfig']);
}
