// Copies a text and says that it did.
import { useEffect, useState } from 'react';
import { toast } from './toast';
import { Button, IconButton } from './Button';

interface Props {
  text: string;
  /** What is copied: "Copy commit". */
  label?: string;
  /** Only the icon is seen. */
  quiet?: boolean;
}

export function CopyButton({ text, label = 'Copy', quiet = false }: Props) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    copyText(text).then(
      () => setCopied(true),
      () => toast.error('The browser did not allow copying', 'Select the text and copy it by keyboard.'),
    );
  };
  const icon = copied ? 'check' : 'copy';
  if (quiet) return <IconButton icon={icon} label={copied ? 'Copied' : label} size="sm" onClick={copy} />;
  return (
    <Button icon={icon} size="sm" onClick={copy}>
      {copied ? 'Copied' : label}
    </Button>
  );
}

/** The clipboard is only there in a secure context; over plain HTTP the old way still works. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr-only';
  document.body.append(area);
  area.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing else works without TLS
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('refused');
}
