/** One file for those who help: made here, read first, saved where the reader wants it. */
import { Button, SegmentedControl, Switch, Textarea } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect, useState } from "react";
import { reportFileName } from "../../src-shared/report.ts";
import { saveFile } from "../channel/save-file.ts";
import { useTask } from "../state/use-panel.ts";
import { useTrace } from "../state/use-trace.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { ErrorLine, Warning } from "./notices.tsx";

/** For how long everything is written down first. */
type Minutes = "0" | "1" | "5";

interface Made {
  readonly name: string;
  readonly text: string;
  /** Null until it is compressed. */
  readonly file: Uint8Array<ArrayBuffer> | null;
}

export function ReportCard() {
  const { say, format } = useWords();
  const [disguise, setDisguise] = useState(true);
  const [minutes, setMinutes] = useState<Minutes>("0");
  const trace = useTrace();
  const [made, setMade] = useState<Made | null>(null);
  const [isUnwritten, setUnwritten] = useState(false);
  const make = useTask(async (client, input: { readonly disguise: boolean }) => {
    const report = await client.call("report.make", input);
    return { name: reportFileName(report.made), text: JSON.stringify(report, null, 2), file: null };
  });
  const text = made?.text;
  useEffect(() => {
    if (text === undefined) return;
    let wanted = true;
    void compressed(text).then(
      (file) => wanted && setMade((before) => (before?.text === text ? { ...before, file } : before)),
    );
    return () => {
      wanted = false;
    };
  }, [text]);
  const go = async () => {
    if (minutes !== "0" && !(await trace.collect(Number(minutes) * 60))) return;
    const report = await make.run({ disguise });
    if (report !== null) setMade(report);
  };
  const save = async () => {
    if (made === null || made.file === null) return;
    const outcome = await saveFile({ name: made.name, content: made.file });
    setUnwritten(outcome === "failed");
    if (outcome === "saved") notifications.show({ message: say("report.saved", { name: made.name }) });
  };
  return (
    <Card title={say("report.title")} hint={say("report.hint")}>
      <Switch
        checked={disguise}
        onChange={(event) => setDisguise(event.currentTarget.checked)}
        label={say("report.disguise")}
        description={say("report.disguise.hint")}
      />
      <div className="setting">
        <div>
          <span className="field-label" id="report-collect">
            {say("report.collect")}
          </span>
          <p className="hint">{say("report.collect.hint")}</p>
        </div>
        <SegmentedControl
          data={[
            { value: "0", label: say("report.collect.none") },
            { value: "1", label: format.span(60_000) },
            { value: "5", label: format.span(300_000) },
          ]}
          value={minutes}
          onChange={setMinutes}
          disabled={trace.secondsLeft !== null}
          aria-labelledby="report-collect"
        />
      </div>
      <div className="card-foot">
        {trace.secondsLeft === null ? (
          <Button variant="light" loading={make.busy} onClick={() => void go()}>
            {say("report.make")}
          </Button>
        ) : (
          <>
            <Button variant="light" onClick={trace.stop}>
              {say("report.collect.stop")}
            </Button>
            <span className="quiet">
              {say("report.collecting", { span: format.span(trace.secondsLeft * 1000) })}
            </span>
          </>
        )}
      </div>
      <ErrorLine error={make.error ?? trace.error} />
      {made !== null && (
        <>
          <Textarea
            label={say("report.read")}
            aria-label={say("report.text")}
            classNames={{ input: "mono report-text" }}
            readOnly
            rows={14}
            value={made.text}
          />
          <div className="card-foot">
            <Button disabled={made.file === null} onClick={() => void save()}>
              {say("report.save")}
            </Button>
            {made.file !== null && (
              <span className="quiet">
                {made.name} · {say("report.size", { size: format.bytes(made.file.length) })}
              </span>
            )}
          </div>
          {isUnwritten && <Warning>{say("report.failed")}</Warning>}
        </>
      )}
    </Card>
  );
}

async function compressed(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
