/** The whole of it: theme, words, frame, and the page that the address names. */
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { useEffect, useMemo } from "react";
import { useStore } from "zustand";
import { Frame } from "./frame.tsx";
import { ClientsPage } from "./pages/clients.tsx";
import { CreatePage } from "./pages/create.tsx";
import { DiagnosticsPage } from "./pages/diagnostics.tsx";
import { GraphPage } from "./pages/graph.tsx";
import { HomePage } from "./pages/home.tsx";
import { JoinPage } from "./pages/join.tsx";
import { LatencyPage } from "./pages/latency.tsx";
import { NamesPage } from "./pages/names.tsx";
import { NetworkPage } from "./pages/network.tsx";
import { NetworksPage } from "./pages/networks.tsx";
import { PeerPage } from "./pages/peer.tsx";
import { RouterPage } from "./pages/router.tsx";
import { RoutesPage } from "./pages/routes.tsx";
import { RulesPage } from "./pages/rules.tsx";
import { SettingsPage } from "./pages/settings.tsx";
import { UnreachedPage } from "./pages/unreached.tsx";
import { UndoBar } from "./parts/undo-bar.tsx";
import type { Route } from "./state/route.ts";
import { usePanel } from "./state/use-panel.ts";
import { go, useRoute } from "./state/use-route.ts";
import { useHandedFile } from "./state/use-shell.ts";
import { cssVariables, theme } from "./theme.ts";
import { languageOf, preferences } from "./words/preferences.ts";
import { WordsContext } from "./words/use-words.ts";
import { wordsIn } from "./words/words.ts";

const colorSchemes = localStorageColorSchemeManager({ key: "starmesh-theme" });

export function App({ retry }: { readonly retry: () => void }) {
  const language = languageOf(useStore(preferences, (state) => state.language));
  const words = useMemo(() => wordsIn(language), [language]);
  const route = useRoute();
  const connection = usePanel((state) => state.connection);
  const unknown = usePanel((state) => state.status === null);
  const handed = useHandedFile();
  useEffect(() => {
    // The page that joins takes it.
    if (handed !== null) go({ page: "join", invite: "" });
  }, [handed]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemes}
      cssVariablesResolver={cssVariables}
    >
      <WordsContext value={words}>
        <Notifications position="bottom-right" limit={3} />
        <UndoBar />
        {unknown || connection.kind === "refused" ? (
          <UnreachedPage connection={connection} retry={retry} />
        ) : (
          <Frame page={route.page} lost={connection.kind !== "open"} retry={retry}>
            <Page key={keyOf(route)} route={route} />
          </Frame>
        )}
      </WordsContext>
    </MantineProvider>
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case "home":
      return <HomePage />;
    case "networks":
      return <NetworksPage />;
    case "create":
      return <CreatePage />;
    case "join":
      return <JoinPage invite={route.invite} />;
    case "network":
      return <NetworkPage id={route.network} />;
    case "routes":
      return <RoutesPage id={route.network} />;
    case "clients":
      return <ClientsPage id={route.network} />;
    case "names":
      return <NamesPage id={route.network} />;
    case "rules":
      return <RulesPage id={route.network} />;
    case "peer":
      return <PeerPage network={route.network} name={route.peer} />;
    case "latency":
      return <LatencyPage />;
    case "graph":
      return <GraphPage />;
    case "router":
      return <RouterPage />;
    case "diagnostics":
      return <DiagnosticsPage />;
    case "settings":
      return <SettingsPage />;
  }
}

/** Pages of two networks or peers share nothing. */
function keyOf(route: Route): string {
  return Object.values(route).join(" ");
}
