// The primitives. Nothing here may put a <style> element or a style attribute into HTML: the content policy refuses
// both, so of Radix neither Dialog, Select, ScrollArea nor a modal menu can be used.
export { Ago } from './Ago';
export { Badge, StatusBadge, statusIcon, statusWord, type Status, type Tone } from './Badge';
export { Button, ButtonLink, IconButton, buttonClass } from './Button';
export { CopyButton } from './CopyButton';
export { cx } from './cx';
export { Dialog } from './Dialog';
export { Checkbox, Field, NumberInput, Select, TextArea, TextInput } from './Field';
export { Icon, Spinner, type IconName } from './Icon';
export { Card, EmptyState, Fact, Kbd, PageHeader, Skeleton, Tab, TabList, Tabs } from './parts';
export { Pager } from './Pager';
export { Linked, Problem } from './Problem';
export { Progress } from './Progress';
export { Segmented } from './Segmented';
export { Table, Td, Th } from './Table';
export { toast } from './toast';
