// To come.
export function DatasetsPanel() {
  return <h1>DatasetsPanel</h1>;
}
