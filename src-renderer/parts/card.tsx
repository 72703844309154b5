/** A titled piece of a page. */
import type { ReactNode } from "react";
import { useId } from "react";

interface CardProps {
  readonly title?: ReactNode;
  /** Beside the title. */
  readonly aside?: ReactNode;
  /** One line below the title. */
  readonly hint?: ReactNode;
  readonly flush?: boolean;
  readonly children: ReactNode;
}

export function Card({ title, aside, hint, flush = false, children }: CardProps) {
  const id = useId();
  return (
    <section
      className={flush ? "card card-flush" : "card"}
      aria-labelledby={title === undefined ? undefined : id}
    >
      {title !== undefined && (
        <header className="card-head">
          <div>
            <h2 id={id}>{title}</h2>
            {hint !== undefined && <p className="hint">{hint}</p>}
          </div>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** Names and values below each other. */
export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

interface FactProps {
  readonly name: string;
  readonly children: ReactNode;
  /** A line rather than a word. */
  readonly wide?: boolean;
}

export function Fact({ name, children, wide = false }: FactProps) {
  return (
    <div className={wide ? "fact-wide" : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
