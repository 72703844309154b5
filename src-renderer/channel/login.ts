/** The log-in of a page that a browser shows: a one-time link becomes a cookie, which the engine then asks for. */
import { z } from "zod";
import type { PanelLogin } from "../../src-shared/api/panel.ts";
import { loginPath } from "../../src-shared/api/panel.ts";
import { AppError, fromWireError } from "../../src-shared/errors.ts";

/** `in`, an error of the panel, or `silent` where nobody answers. */
export type LoginAnswer = "in" | "silent" | AppError;

/** Spends a token. */
export function logIn(token: string): Promise<LoginAnswer> {
  const login: PanelLogin = { token };
  return ask({
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(login),
  });
}

/** Whether this browser has a cookie that counts. */
export function checkLogin(): Promise<LoginAnswer> {
  return ask({ method: "GET" });
}

async function ask(request: RequestInit): Promise<LoginAnswer> {
  try {
    const response = await fetch(loginPath, request);
    if (response.ok) return "in";
    const parsed = wireError.safeParse(await response.json().catch(() => null));
    return parsed.success
      ? fromWireError(parsed.data)
      : new AppError("internal", { detail: `HTTP ${response.status}`, logs: "the log folder" });
  } catch {
    return "silent";
  }
}

const wireError = z.object({
  code: z.string(),
  message: z.string(),
  data: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});
