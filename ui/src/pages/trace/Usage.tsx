import type { ChargeRow } from "../../api/schema";
import { Mark } from "../../components/Figures";
import { Json } from "../../components/Json";
import { useWords } from "../../i18n/useWords";
import { QUALITIES, type Quality } from "../../model/quality";
import { Arithmetic } from "./Arithmetic";

const asQuality = (text: string): Quality => QUALITIES.find((quality) => quality === text) ?? "missing";

/** Usage, explained: the arithmetic, where the count and the price come from, and the provider's own words. */
export function Usage({ own, below }: { own: readonly ChargeRow[]; below: readonly ChargeRow[] }) {
  const t = useWords();
  if (below.length === 0) {
    return (
      <section>
        <h3>{t("detail.usage")}</h3>
        <p className="muted">{t("detail.noCharge")}</p>
      </section>
    );
  }
  if (own.length === 0) {
    return (
      <section>
        <h3>{t("detail.usageBelow")}</h3>
        <Arithmetic charges={below} />
        <p className="muted small-text">{t("detail.calls", { count: below.length })}</p>
      </section>
    );
  }
  return (
    <>
      {own.map((charge) => (
        <section key={charge.charge_key}>
          <h3>{t("detail.usage")}</h3>
          <Arithmetic charges={[charge]} />
          <Provenance charge={charge} />
          <Json title={t("detail.raw")} value={charge.raw_usage} />
        </section>
      ))}
    </>
  );
}

function Provenance({ charge }: { charge: ChargeRow }) {
  const t = useWords();
  const quality = asQuality(charge.quality);
  const { request_model: asked, response_model: served } = charge;
  const facts: [string, React.ReactNode][] = [
    [
      t("detail.counted"),
      <>
        <Mark quality={quality} all />{" "}
        {t("detail.countedBy", { quality: t(`quality.${quality}`), layer: charge.layer })}
      </>,
    ],
    [
      t("detail.price"),
      charge.price_entry === null
        ? t("detail.noPrice")
        : [charge.price_entry, charge.price_source].filter(Boolean).join(" · "),
    ],
    [
      t("detail.model"),
      served !== null && asked !== null && served !== asked
        ? t("detail.modelServed", { served, asked })
        : (served ?? asked ?? "—"),
    ],
    [t("detail.callPath"), <code key="path">{charge.call_path}</code>],
  ];
  if (charge.release !== null) facts.push([t("detail.release"), charge.release]);
  if (charge.tier !== null) facts.push([t("detail.tier"), charge.tier]);
  if (charge.layers_seen.length > 1)
    facts.push([t("detail.layers"), `${charge.layers_seen.join(", ")} (${t("detail.merged")})`]);
  if (charge.response_id !== null) facts.push([t("detail.response"), <code key="id">{charge.response_id}</code>]);
  if (charge.flags.length > 0) facts.push([t("detail.flags"), charge.flags.join(", ")]);
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
