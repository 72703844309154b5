/** What is new in a version that was found. */
import { partsOfNotes } from "../state/release-notes.ts";
import { useWords } from "../words/use-words.ts";

export function ReleaseNotes({ version, notes }: { readonly version: string; readonly notes: string }) {
  const { say } = useWords();
  const parts = partsOfNotes(notes);
  if (parts.length === 0) return null;
  return (
    <details className="details" open>
      <summary>{say("window.update.news", { version })}</summary>
      <div className="release-notes" lang="en">
        {parts.map((part) =>
          part.kind === "text" ? (
            <p key={part.text}>{part.text}</p>
          ) : (
            <ul key={part.points.join()}>
              {part.points.map((point) => (
                <li key={point}>{point}</li>
              ))}
            </ul>
          ),
        )}
      </div>
    </details>
  );
}
