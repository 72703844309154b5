/** A QR code as one vector path, for phones and other machines with a camera. */
import { useEffect, useState } from "react";

export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  useEffect(() => {
    let wanted = true;
    void drawQr(text).then((drawn) => wanted && setDrawing(drawn));
    return () => {
      wanted = false;
    };
  }, [text]);
  const size = drawing?.size ?? 1;
  return (
    <div className="qr">
      {drawing !== null && (
        <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
          <path d={drawing.path} />
        </svg>
      )}
    </div>
  );
}

interface Drawing {
  readonly size: number;
  readonly path: string;
}

/** The library comes when the first code is shown. */
async function drawQr(text: string): Promise<Drawing> {
  const { default: encodeQR } = await import("qr");
  const modules = encodeQR(text, "raw", { ecc: "low", border: quiet });
  const path = modules
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
  return { size: modules.length, path };
}

/** The white rim that readers ask for, in modules. */
const quiet = 3;
