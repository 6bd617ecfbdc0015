/// <reference types="vite/client" />

/** The exported model and the runtime, written by the build; see vite.config.ts. */
declare const __MODEL__: {
  file: string;
  bytes: number;
  cpuBytes: number;
  gpuBytes: number;
};
