declare module 'virtual:glossary' {
  export const glossary: { words: string[]; meaning: string; html: string }[];
}
declare module 'virtual:reference' {
  export const pages: Record<'errors' | 'findings', string>;
}
