// Saves something as a JSON file, without asking the server again.

export function exportJson(name: string, content: unknown): void {
  const blob = new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' });
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name.replace(/[^\w.-]+/g, '_')}.json`;
  link.click();
  // The browser has taken the blob by the next turn of the loop.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
