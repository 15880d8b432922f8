// What `train` is told, with the defaults of each kind of model.

/** As the command line gives it. */
export interface GivenOptions {
  readonly text?: readonly string[];
  readonly target?: readonly string[];
  readonly classes?: boolean;
  readonly unit?: string;
  readonly horizon?: number;
  readonly window?: number;
  readonly hidden?: number;
  readonly layers: number;
  readonly embedding?: number;
  readonly dropout?: number;
  readonly epochs?: number;
  readonly patience?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly clip: number;
  readonly seed: number;
  readonly out: string;
  readonly report: string;
  readonly checkpoint?: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** What depends on the kind of model unless it is given. */
const DEFAULTS = {
  series: { window: 14, hidden: 32, embedding: 0, dropout: 0, epochs: 60, patience: 12, batch: 32, lr: 0.003 },
  text: { window: 50, hidden: 128, embedding: 64, dropout: 0.3, epochs: 60, patience: 5, batch: 16, lr: 0.005 },
} as const;

type Numbers = { readonly [Name in keyof (typeof DEFAULTS)["text"]]: number };

/** With every number settled. */
export interface TrainOptions extends Omit<GivenOptions, keyof Numbers | "resume" | "json">, Numbers {
  readonly resume: boolean;
  readonly json: boolean;
}

export function settle(given: GivenOptions, kind: keyof typeof DEFAULTS): TrainOptions {
  return { ...DEFAULTS[kind], ...given, resume: given.resume ?? false, json: given.json ?? false };
}

/** Where what to go on from is saved: beside the model unless told otherwise. */
export const checkpointOf = ({ out, checkpoint }: Pick<GivenOptions, "out" | "checkpoint">): string =>
  checkpoint ?? `${out.replace(/\.safetensors$/, "")}.checkpoint.safetensors`;

/** "default 14, for text 64" */
export const defaultText = (name: keyof Numbers): string => {
  const { series, text } = DEFAULTS;
  return series[name] === text[name] ? `default ${series[name]}` : `default ${series[name]}, for text ${text[name]}`;
};
