/** The router's settings in layers: what was set by hand, and above it what a file and the command line say. */
import type { RouterWish } from "../../src-shared/router-settings.ts";

/** Puts one wish over another; null takes a setting away, undefined says nothing. `planes` is one setting, each field of a transport is one. */
export function layWish(below: RouterWish, above: RouterWish): RouterWish {
  const { transports: lower, ...settingsBelow } = below;
  const { transports: upper, ...settingsAbove } = above;
  const transports: Record<string, object> = {};
  for (const name of new Set([...Object.keys(lower ?? {}), ...Object.keys(upper ?? {})])) {
    const fields = present({ ...fieldsOf(lower, name), ...said(fieldsOf(upper, name)) });
    if (Object.keys(fields).length > 0) transports[name] = fields;
  }
  return {
    ...present({ ...settingsBelow, ...said(settingsAbove) }),
    ...(Object.keys(transports).length === 0 ? {} : { transports }),
  };
}

/** The names of what a wish sets: `listen`, `planes`, `transports.wss.path`. */
export function namesOf(wish: RouterWish): readonly string[] {
  return [...leaves(wish).keys()];
}

/** The first setting of a change that a wish above it fixes at another value; null when nothing stands in the way. */
export function fixedBy(fixed: RouterWish, change: RouterWish): string | null {
  const [values, wanted] = [leaves(fixed), leaves(change)];
  for (const [name, value] of wanted) {
    if (values.has(name) && JSON.stringify(values.get(name)) !== JSON.stringify(value)) return name;
  }
  return null;
}

function leaves(wish: RouterWish): ReadonlyMap<string, unknown> {
  const { transports, ...settings } = wish;
  const found = new Map<string, unknown>(Object.entries(settings).filter(([, value]) => value !== undefined));
  for (const [name, fields] of Object.entries(transports ?? {})) {
    for (const [field, value] of Object.entries(fields ?? {})) {
      if (value !== undefined) found.set(`transports.${name}.${field}`, value);
    }
  }
  return found;
}

function fieldsOf(transports: RouterWish["transports"], name: string): object {
  return Object.entries(transports ?? {}).find(([each]) => each === name)?.[1] ?? {};
}

/** Without what is null or undefined. */
function present<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null)) as Partial<Values>;
}

/** Without what is undefined. */
function said<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Partial<Values>;
}
