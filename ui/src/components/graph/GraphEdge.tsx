import { BaseEdge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";
import { memo } from "react";

export type EdgeData = {
  path: string;
  x: number;
  y: number;
  text: string;
  title: string;
  state: string;
};

/** One edge, on the way that the layout found for it. */
export const GraphEdge = memo(function GraphEdge({ id, data, markerEnd }: EdgeProps & { data?: EdgeData }) {
  if (data === undefined) return null;
  return (
    <>
      <BaseEdge id={id} path={data.path} className={`ge ${data.state}`} {...(markerEnd && { markerEnd })} />
      {data.text !== "" && (
        <EdgeLabelRenderer>
          <span
            className={`ge-label num ${data.state}`}
            title={data.title}
            style={{ transform: `translate(-50%, -50%) translate(${data.x}px, ${data.y}px)` }}
          >
            {data.text}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
