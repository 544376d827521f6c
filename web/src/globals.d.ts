/** The release this bundle belongs to; set by vite.config.ts. */
declare const __RELEASE__: string;
