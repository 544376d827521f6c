/**
 * The cities of the community on the map of the world: an equirectangular drawing, so a place is its degrees.
 * The coasts are rough on purpose; what matters are the dots. Each is a link; the list below says the same in words.
 */
import { navigate } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import type { CityGroup } from './groups';

/** Coasts by longitude and latitude. */
const COASTS: readonly string[] = [
  // The Americas
  '-168,66 -156,71 -128,70 -95,72 -82,68 -94,60 -82,53 -79,62 -65,60 -56,52 -65,47 -70,42 -76,35 -81,31 -80,25 -84,30 -97,28 -97,20 -90,21 -87,15 -83,10 -78,9 -72,12 -62,10 -50,1 -35,-6 -39,-16 -48,-27 -54,-34 -58,-35 -62,-39 -65,-45 -69,-52 -74,-51 -73,-40 -70,-20 -76,-14 -81,-5 -78,2 -84,9 -95,16 -105,20 -110,28 -117,33 -124,41 -124,48 -133,56 -150,60 -165,60',
  // Greenland
  '-55,60 -42,60 -22,70 -20,80 -45,83 -68,78 -54,70',
  // Europe and Asia
  '-9,37 -9,43 -1,44 -4,48 3,51 9,54 8,57 12,55 20,55 24,59 30,60 22,61 18,60 17,57 13,56 10,59 5,59 6,63 16,69 28,71 40,67 60,69 75,73 105,78 140,73 170,70 180,67 165,60 156,52 156,58 140,57 136,47 128,40 126,34 121,38 122,30 115,22 108,19 107,10 102,13 100,7 104,1 98,9 94,17 88,22 80,15 77,8 73,18 67,25 57,26 50,30 55,25 59,22 45,13 35,28 35,36 27,37 26,40 41,41 37,46 30,46 28,42 22,37 19,42 13,45 18,40 16,38 12,42 9,44 3,43 -1,37 -6,36',
  // Africa
  '-6,35 10,37 11,33 20,31 32,31 43,12 51,12 40,-3 40,-15 35,-24 28,-33 19,-34 12,-17 9,-1 9,4 -8,4 -17,14 -17,21 -10,29',
  // Australia and New Zealand
  '114,-22 122,-18 131,-12 137,-12 140,-17 142,-11 146,-19 153,-27 150,-37 141,-38 131,-32 116,-35',
  '173,-35 178,-38 174,-41 167,-46 171,-43 172,-40',
  // Islands of the east and the west
  '130,31 136,34 141,36 142,43 145,44 140,45 139,38 132,35',
  '-5,50 1,51 0,54 -3,58 -5,58 -3,54',
  '-10,52 -6,52 -6,55 -9,54',
  '-24,64 -18,63 -14,65 -20,66',
  '95,5 104,-3 106,-6 114,-8 106,-7 101,-2',
  '109,1 117,6 118,1 115,-4 110,-2',
  '131,-1 141,-3 150,-10 143,-9 138,-8',
  '44,-16 50,-15 47,-25 44,-24',
];
/** What lies south of there is nobody's dance floor. */
const SOUTH = 60;
const NORTH = 80;

const x = (longitude: number) => longitude + 180;
const y = (latitude: number) => NORTH - latitude;

function coast(points: string): string {
  const steps = points.split(' ').map((point) => point.split(',').map(Number) as [number, number]);
  return `M${steps.map(([longitude, latitude]) => `${x(longitude)} ${y(latitude)}`).join('L')}Z`;
}

export function WorldMap({ cities }: { cities: readonly CityGroup[] }) {
  const { t } = useTexts();
  const placed = cities.filter((city) => city.latitude !== null && city.longitude !== null);
  // Small ones last: a big dot must not cover them.
  const ordered = [...placed].sort((a, b) => b.member_count - a.member_count);
  return (
    <div className="card world">
      <svg viewBox={`0 0 360 ${NORTH + SOUTH}`} role="group" aria-label={t('groups.map', { count: placed.length })}>
        <g aria-hidden="true">
          {[30, 60, 90, 120].map((line) => (
            <path key={line} className="world-grid" d={`M0 ${line}H360`} />
          ))}
          {COASTS.map((points) => (
            <path key={points.slice(0, 8)} className="world-land" d={coast(points)} />
          ))}
        </g>
        {ordered.map((city) => (
          <a
            key={city.id}
            href={`/groups/${city.slug}`}
            aria-label={t('groups.map_city', { name: city.name, count: city.member_count })}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              navigate(`/groups/${city.slug}`);
            }}
          >
            <circle className="world-touch" cx={x(city.longitude!)} cy={y(city.latitude!)} r="5" />
            <circle className="world-city" cx={x(city.longitude!)} cy={y(city.latitude!)} r={radius(city.member_count)}>
              <title>{`${city.name}: ${t('groups.members', { count: city.member_count })}`}</title>
            </circle>
          </a>
        ))}
      </svg>
    </div>
  );
}

/** An area in proportion to the members, within what can be seen and told apart. */
function radius(members: number): number {
  return Math.min(7, 2.6 + Math.sqrt(members) * 0.35);
}
