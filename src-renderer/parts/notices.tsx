/** Lines that tell: errors, warnings, remarks, and pages with nothing on them yet. */
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { AppError } from "../../src-shared/errors.ts";
import { useWords } from "../words/use-words.ts";

/** Why something failed; nothing without an error. */
export function ErrorLine({ error }: { readonly error: AppError | null }) {
  const { explain } = useWords();
  if (error === null) return null;
  return (
    <div className="notice notice-error" role="alert">
      <IconAlertTriangle size={18} aria-hidden="true" />
      <p>{explain(error)}</p>
    </div>
  );
}

interface WarningProps {
  readonly children: ReactNode;
  /** What can be done about it, beside the text. */
  readonly action?: ReactNode;
}

export function Warning({ children, action }: WarningProps) {
  return (
    <div className="notice notice-warning" role="note">
      <IconAlertTriangle size={18} aria-hidden="true" />
      <p>{children}</p>
      {action}
    </div>
  );
}

export function Remark({ children }: { readonly children: ReactNode }) {
  return (
    <div className="notice" role="note">
      <IconInfoCircle size={18} aria-hidden="true" />
      <p>{children}</p>
    </div>
  );
}

interface EmptyProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
}

/** What stands where nothing is yet, and what to do about it. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div className="empty">
      <div className="empty-icon" aria-hidden="true">
        {icon}
      </div>
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}
