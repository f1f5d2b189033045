// What people type or paste as a repository: an id, an address of the Hub's pages, or a line of `load_dataset`.

export interface RepoInput {
  repo: string;
  revision?: string | undefined;
}

const PAGE =
  /^(?:https?:\/\/)?[^/\s]+\/datasets\/([^/\s]+(?:\/[^/\s]+)?)(?:\/(?:tree|blob|resolve)\/([^/\s?#]+))?/;

/** The id, and the revision if the address names one. What is no address is taken as it is: the server judges it. */
export function readRepo(typed: string): RepoInput {
  const text = typed.trim().replace(/^["']|["']$/g, '');
  const bare = text.replace(/[?#].*$/, '').replace(/\/+$/, '');
  const page = PAGE.exec(bare);
  if (page?.[1] !== undefined) {
    const [owner = '', name] = page[1].split('/');
    // `/datasets/squad/tree/main` has no owner.
    const legacy = name === 'tree' || name === 'blob' || name === 'resolve';
    const repo = name === undefined || legacy ? owner : `${owner}/${name}`;
    const revision = page[2] ?? (legacy ? bare.split(`/${name}/`)[1]?.split('/')[0] : undefined);
    return { repo, revision: revision === undefined ? undefined : decodeURIComponent(revision) };
  }
  return { repo: bare.replace(/^datasets\//, '') };
}
