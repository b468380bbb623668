import { Popover } from "radix-ui";
import { type ReactNode, useRef, useState } from "react";

type Props = {
  /** What the button shows. */
  trigger: ReactNode;
  /** Of the button, where what it shows says too little, and of what it opens. */
  label: string;
  title?: string | undefined;
  /** Classes of the button, and of what it opens. */
  className: string;
  opened?: string;
  align?: "start" | "end";
  children: ReactNode | ((close: () => void) => ReactNode);
  /** The label is not the button's name: what it shows is. */
  named?: boolean;
  onOpen?: () => void;
};

/**
 * A button and what it opens beside itself. Not modal: a modal one would inject a style element, which the page's
 * policy forbids. What is opened is made when it opens: a list has a button in every row.
 */
export function Opens(props: Props) {
  const { trigger, label, title = label, className, opened = "", align = "end", children, named = false } = props;
  const button = useRef<HTMLButtonElement>(null);
  const left = useRef(false);
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        title={title}
        aria-label={named ? undefined : label}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => {
          left.current = false;
          if (!open) props.onOpen?.();
          setOpen(!open);
        }}
      >
        {trigger}
      </button>
      {open && (
        <Popover.Root open modal={false} onOpenChange={setOpen}>
          <Popover.Anchor virtualRef={button as React.RefObject<HTMLButtonElement>} />
          <Popover.Portal>
            <Popover.Content
              className={`popover ${opened}`}
              aria-label={label}
              align={align}
              sideOffset={6}
              collisionPadding={8}
              onInteractOutside={(event) => {
                // A press of the button itself closes by the button's own click.
                if (button.current?.contains(event.target as Node)) event.preventDefault();
                else left.current = true;
              }}
              onCloseAutoFocus={(event) => {
                event.preventDefault();
                if (!left.current) button.current?.focus();
              }}
            >
              {typeof children === "function" ? children(close) : children}
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
      )}
    </>
  );
}
