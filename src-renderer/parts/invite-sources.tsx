/** Other ways to an invite than pasting it: a camera, a picture, a file. */
import { Button, FileButton, Modal } from "@mantine/core";
import { IconCamera, IconPhoto } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import type { FileContent } from "../state/invite-file.ts";
import { contentOf, decodePicture, readInviteFile } from "../state/invite-file.ts";
import { takeHandedFile, useHandedFile } from "../state/use-shell.ts";
import { useWords } from "../words/use-words.ts";
import { Warning } from "./notices.tsx";

interface InviteSourcesProps {
  readonly onInvite: (link: string) => void;
}

export function InviteSources({ onInvite }: InviteSourcesProps) {
  const { say } = useWords();
  const [isScanning, setScanning] = useState(false);
  const [found, setFound] = useState<FileContent | null>(null);
  const take = (content: FileContent) => {
    setFound(content);
    if (content.kind === "link") onInvite(content.link);
  };
  const latest = useRef(take);
  latest.current = take;
  const handed = useHandedFile();
  useEffect(() => {
    if (handed === null) return;
    takeHandedFile();
    void readInviteFile(new Blob([new Uint8Array(handed.content)])).then((content) =>
      latest.current(content),
    );
  }, [handed]);
  useEffect(() => {
    const paste = ({ clipboardData }: ClipboardEvent) => {
      const file = clipboardData?.files[0];
      if (file !== undefined) void readInviteFile(file).then((content) => latest.current(content));
    };
    const drag = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) void readInviteFile(file).then((content) => latest.current(content));
    };
    window.addEventListener("paste", paste);
    window.addEventListener("dragover", drag);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("paste", paste);
      window.removeEventListener("dragover", drag);
      window.removeEventListener("drop", drop);
    };
  }, []);
  return (
    <>
      <div className="sources">
        {"mediaDevices" in navigator && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconCamera size={16} aria-hidden="true" />}
            onClick={() => setScanning(true)}
          >
            {say("join.scan")}
          </Button>
        )}
        <FileButton
          onChange={(file) => file !== null && void readInviteFile(file).then(take)}
          accept="image/*,text/plain,.txt,.conf"
          inputProps={{ "aria-label": say("join.file") }}
        >
          {(props) => (
            <Button
              {...props}
              size="xs"
              variant="default"
              leftSection={<IconPhoto size={16} aria-hidden="true" />}
            >
              {say("join.file")}
            </Button>
          )}
        </FileButton>
      </div>
      {found?.kind === "nothing" && <Warning>{say("join.file.nothing")}</Warning>}
      {found?.kind === "wireguard" && <Warning>{say("join.file.wireguard")}</Warning>}
      <Modal
        opened={isScanning}
        onClose={() => setScanning(false)}
        title={say("join.scan")}
        closeButtonProps={{ "aria-label": say("close") }}
      >
        {isScanning && (
          <Camera
            onText={(text) => {
              const content = contentOf(text);
              if (content.kind === "nothing") return;
              setScanning(false);
              take(content);
            }}
          />
        )}
      </Modal>
    </>
  );
}

/** Shows what the camera sees, and looks for a code in it until it is taken away. */
function Camera({ onText }: { readonly onText: (text: string) => void }) {
  const { say } = useWords();
  const video = useRef<HTMLVideoElement>(null);
  const [isDenied, setDenied] = useState(false);
  const latest = useRef(onText);
  latest.current = onText;
  useEffect(() => {
    let stream: MediaStream | null = null;
    let timer: ReturnType<typeof setTimeout>;
    let wanted = true;
    const look = async () => {
      const element = video.current;
      const size = { width: element?.videoWidth ?? 0, height: element?.videoHeight ?? 0 };
      const text = element === null ? null : await decodePicture(element, size);
      if (text !== null && wanted) latest.current(text);
      if (wanted) timer = setTimeout(() => void look(), lookMilliseconds);
    };
    const open = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        if (!wanted || video.current === null) return stop();
        video.current.srcObject = stream;
        await video.current.play();
        void look();
      } catch {
        if (wanted) setDenied(true);
      }
    };
    const stop = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    void open();
    return () => {
      wanted = false;
      clearTimeout(timer);
      stop();
    };
  }, []);
  return isDenied ? (
    <Warning>{say("join.scan.denied")}</Warning>
  ) : (
    <video className="camera" ref={video} playsInline muted aria-label={say("join.scan.view")} />
  );
}

const lookMilliseconds = 150;
