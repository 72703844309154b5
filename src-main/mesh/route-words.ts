/** Why a prefix is routed as it is, in words. */
import type { RouteReason } from "../../src-shared/route-status.ts";

/** One English sentence. `via`: the gateway that carries it; `others`: the names of those that stand by. */
export function routeSentence(
  reason: RouteReason,
  { via, others }: { readonly via: string; readonly others: readonly string[] },
): string {
  const rest = others.join(", ");
  switch (reason) {
    case "only":
      return `${via} is the only gateway that has it.`;
    case "first":
      return `${via} goes before ${rest} by its priority.`;
    case "fastest":
      return `${via} answers quickest; ${rest} can take over.`;
    case "took-over":
      return `${via} took over: ${rest} cannot carry it just now.`;
    case "kept":
      return `${via} carries it and goes on: a change would break connections. ${rest} can take over.`;
    case "untried":
      return `${via} will carry it; nothing was sent there yet.`;
    case "lost":
      return `${via} does not answer${rest === "" ? "" : `, nor does any other gateway (${rest})`}.`;
    case "down":
      return "Its gateways say that they do not reach it just now.";
    case "own":
      return "This machine routes it itself.";
    case "refused":
      return "It is not taken here.";
    case "elsewhere":
      return "The routing table gives it to other members or other gateways.";
    case "waits":
      return "No administrator has granted it to a gateway yet.";
    case "overlaps":
      return "This machine uses these addresses itself, so nothing is sent there.";
    case "range":
      return "It would cover addresses of the network itself, so it never counts.";
  }
}
