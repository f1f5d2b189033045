// The field for a token of the Hub: masked, kept by nobody but the request that carries it.
import { Field, TextInput } from '../ui/Field';

interface Props {
  value: string;
  onChange: (token: string) => void;
  error?: string | undefined;
}

export function TokenField({ value, onChange, error }: Props) {
  return (
    <Field
      label="Hugging Face token"
      error={error}
      hint="For gated and private repositories. It goes with the request and is never stored in the browser."
    >
      {(wiring) => (
        <TextInput
          {...wiring}
          type="password"
          autoComplete="off"
          placeholder="hf_…"
          className="font-mono"
          value={value}
          onChange={(event) => onChange(event.target.value.trim())}
        />
      )}
    </Field>
  );
}
