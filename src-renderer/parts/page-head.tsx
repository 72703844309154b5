/** The head of a page: where one is, and what can be done here. */
import { IconChevronLeft } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Route } from "../state/route.ts";
import { formatRoute } from "../state/route.ts";

interface PageHeadProps {
  readonly title: ReactNode;
  /** The page above this one. */
  readonly back?: { readonly to: Route; readonly label: string };
  readonly aside?: ReactNode;
}

export function PageHead({ title, back, aside }: PageHeadProps) {
  return (
    <header className="page-head">
      <div>
        {back !== undefined && (
          <a className="back" href={formatRoute(back.to)}>
            <IconChevronLeft size={16} aria-hidden="true" />
            {back.label}
          </a>
        )}
        <h1>{title}</h1>
      </div>
      {aside !== undefined && <div className="page-actions">{aside}</div>}
    </header>
  );
}
