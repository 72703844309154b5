/** What stands round every page: the mark, the way to the other pages, and a banner while nobody answers. */
import { Button } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useEffect, useRef } from "react";
import { Keys } from "./parts/keys.tsx";
import { Logo } from "./parts/logo.tsx";
import { places } from "./parts/places.ts";
import type { Route } from "./state/route.ts";
import { formatRoute } from "./state/route.ts";
import { useStatus } from "./state/use-panel.ts";
import { useWords } from "./words/use-words.ts";

interface FrameProps {
  readonly page: Route["page"];
  readonly lost: boolean;
  readonly retry: () => void;
  readonly children: ReactNode;
}

export function Frame({ page, lost, retry, children }: FrameProps) {
  const { say } = useWords();
  const main = useRef<HTMLElement>(null);
  useFocusOnChange(page, main);
  const place = places.find(({ below }) => below.includes(page));
  const title = place === undefined ? "Starmesh" : `${say(place.label)} · Starmesh`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="frame">
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {say("skip")}
      </button>
      <header className="side">
        <a className="brand" href={formatRoute({ page: "home" })} aria-label={say("brand.home")}>
          <Logo size={30} />
          <span>Starmesh</span>
        </a>
        <Navigation page={page} />
        <NodeLine />
      </header>
      <Keys />
      <main id="main" ref={main} tabIndex={-1} data-lost={lost || undefined}>
        {lost && <LostBanner retry={retry} />}
        {children}
      </main>
    </div>
  );
}

function Navigation({ page }: { readonly page: Route["page"] }) {
  const { say } = useWords();
  return (
    <nav aria-label={say("nav")}>
      {places.map(({ route, label, icon: Icon, below }) => {
        const current = below.includes(page);
        return (
          <a key={route.page} href={formatRoute(route)} aria-current={current ? "page" : undefined}>
            <Icon size={20} stroke={1.7} aria-hidden="true" />
            <span>{say(label)}</span>
          </a>
        );
      })}
    </nav>
  );
}

function NodeLine() {
  const { say } = useWords();
  const { node } = useStatus();
  return (
    <p className="node-line">
      <span className="quiet">{say("node.this")}</span>
      <span className="node-name" title={node.name}>
        {node.name}
      </span>
    </p>
  );
}

function LostBanner({ retry }: { readonly retry: () => void }) {
  const { say } = useWords();
  return (
    <div className="banner" role="alert">
      <IconPlugConnectedX size={20} aria-hidden="true" />
      <div>
        <strong>{say("lost.title")}</strong> {say("lost.text")}
      </div>
      <Button size="compact-sm" variant="white" color="dark" onClick={retry}>
        {say("lost.retry")}
      </Button>
    </div>
  );
}

/** Whoever uses a keyboard or a screen reader lands on the new page, not on the link that led there. */
function useFocusOnChange(page: string, target: { readonly current: HTMLElement | null }): void {
  const before = useRef(page);
  useEffect(() => {
    if (before.current !== page) {
      // A form that has put the cursor into its first field keeps it.
      if (!target.current?.contains(document.activeElement)) target.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    before.current = page;
  }, [page, target]);
}
