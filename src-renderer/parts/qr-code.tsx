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
        <svg
          viewBox={`${-quiet} ${-quiet} ${size + 2 * quiet} ${size + 2 * quiet}`}
          role="img"
          aria-label={label}
        >
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
  const { create } = await import("qrcode");
  const { modules } = create(text, { errorCorrectionLevel: "L" });
  let path = "";
  for (let y = 0; y < modules.size; y++) {
    for (let x = 0; x < modules.size; x++) if (modules.get(y, x)) path += `M${x} ${y}h1v1h-1z`;
  }
  return { size: modules.size, path };
}

/** The white rim that readers ask for, in modules. */
const quiet = 3;
