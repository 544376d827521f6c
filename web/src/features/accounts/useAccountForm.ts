import { useEffect, useRef, useState, type FormEvent } from 'react';
import { asProblem, fieldProblems, type Problem } from 'mundo-tango-client';
import type { TextKey, Texts } from '../../platform/texts';
import { problemText } from '../../ui/problemText';

/**
 * The course of a form: check, send, show what the server says by field, lead the focus to the first wrong field.
 * `errors` holds sentences by field name; `problem` what belongs to no field of the form.
 */
export function useAccountForm<F extends string>(rules: {
  fields: readonly F[];
  check: (values: Record<F, string>) => Partial<Record<F, TextKey>>;
  send: (values: Record<F, string>) => Promise<void>;
  /** The field that a refusal without field errors belongs to. */
  fieldOf?: (refused: Problem) => F | null;
  t: Texts['t'];
}) {
  const form = useRef<HTMLFormElement>(null);
  const [errors, setErrors] = useState<Partial<Record<F, string>>>({});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [sending, setSending] = useState(false);
  const [refusals, setRefusals] = useState(0);

  useEffect(() => {
    if (refusals > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refusals]);

  function refuse(found: Partial<Record<F, string>>, unplaced: Problem | null): void {
    setErrors(found);
    setProblem(unplaced);
    setRefusals((count) => count + 1);
  }

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (sending) return;
    const data = new FormData(event.currentTarget);
    const values = Object.fromEntries(rules.fields.map((name) => [name, String(data.get(name) ?? '')])) as Record<F, string>;
    const found = rules.check(values);
    const wrong = rules.fields.filter((name) => found[name]);
    if (wrong.length > 0) {
      refuse(Object.fromEntries(wrong.map((name) => [name, rules.t(found[name]!)])) as Partial<Record<F, string>>, null);
      return;
    }
    setErrors({});
    setProblem(null);
    setSending(true);
    try {
      await rules.send(values);
    } catch (cause) {
      const refused = asProblem(cause);
      // The member was asked for the password and did not want to: nothing happened, nothing to say.
      if (refused.code === 'proof_declined') return;
      const placed = Object.entries(fieldProblems(refused)).filter(([name]) => rules.fields.includes(name as F));
      const own = rules.fieldOf?.(refused);
      if (own && placed.length === 0) placed.push([own, problemText(refused, rules)]);
      refuse(Object.fromEntries(placed) as Partial<Record<F, string>>, placed.length > 0 ? null : refused);
    } finally {
      setSending(false);
    }
  }

  return { form, errors, problem, sending, submit };
}
