/** Line icons, 24 by 24, drawn for this page. */

const paths = {
  check: "M5 12.5l4.5 4.500L19 7.5",
  bolt: "M13 3L5 13.500h6L10.5 21 19 10h-6.500z",
  clock: "M12 7v5l3.5 2M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  plug: "M9 3v5M15 3v5M6.5 8h11v3.500a5.5 5.5 0 0 1-11 0zM12 17v4",
  alert: "M12 4L2.8 20h18.400zM12 10v4.500M12 17.300v.2",
  unlink: "M4 4l16 16M8 8a5.5 5.5 0 0 0-1.5 10.500H17M10.5 6.700A6 6 0 0 1 18 12a4 4 0 0 1 2.5 5.5",
  pause: "M9 6v12M15 6v12",
  flag: "M6 21V4h11l-2.5 4L17 12H6",
  gauge: "M4 17a8.5 8.5 0 1 1 16 0M12 15l4-5",
  info: "M12 11v6M12 7.300v.2M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  circle: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14z",
  chevron: "M9 5l7 7-7 7",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
