// Chooses the theme: all three beside each other, or one after the other where it is narrow.
import { IconButton } from '../ui/Button';
import { Segmented } from '../ui/Segmented';
import { useTheme, type Theme } from './theme';

const OPTIONS = [
  { value: 'light', label: 'Light', icon: 'sun', iconOnly: true },
  { value: 'dark', label: 'Dark', icon: 'moon', iconOnly: true },
  { value: 'system', label: 'As the system', icon: 'monitor', iconOnly: true },
] as const;

export function ThemeSwitch() {
  const { theme, setTheme } = useTheme();
  const at = OPTIONS.findIndex((option) => option.value === theme);
  const next = OPTIONS[(at + 1) % OPTIONS.length] ?? OPTIONS[0];
  return (
    <>
      <div className="max-sm:hidden">
        <Segmented<Theme> label="Theme" value={theme} options={OPTIONS} onChange={setTheme} />
      </div>
      <IconButton
        icon={OPTIONS[at]?.icon ?? 'monitor'}
        label={`Theme: ${OPTIONS[at]?.label ?? ''}; next: ${next.label}`}
        className="sm:hidden"
        onClick={() => setTheme(next.value)}
      />
    </>
  );
}
