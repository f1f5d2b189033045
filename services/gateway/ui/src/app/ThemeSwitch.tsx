// Chooses the theme.
import { Segmented } from '../ui/Segmented';
import { useTheme, type Theme } from './theme';

const OPTIONS = [
  { value: 'light', label: 'Light', icon: 'sun', iconOnly: true },
  { value: 'dark', label: 'Dark', icon: 'moon', iconOnly: true },
  { value: 'system', label: 'As the system', icon: 'monitor', iconOnly: true },
] as const;

export function ThemeSwitch() {
  const { theme, setTheme } = useTheme();
  return <Segmented<Theme> label="Theme" value={theme} options={OPTIONS} onChange={setTheme} />;
}
