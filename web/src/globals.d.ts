/** The release this bundle belongs to; set by vite.config.ts. */
declare const __RELEASE__: string;
declare module '*?raw' {
  const text: string;
  export default text;
}
