import {
  Button,
  createTheme,
  Modal,
  NumberInput,
  PasswordInput,
  Select,
  Switch,
  Textarea,
  TextInput,
  Tooltip,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core';

const accent: MantineColorsTuple = [
  '#e7eefc',
  '#cfdcf8',
  '#a5c0f3',
  '#7aa7ff',
  '#4c85ee',
  '#2f68de',
  '#1d5bd6',
  '#174bb3',
  '#123c90',
  '#0d2d6d',
];

/** Help stands under the field: label and field stay together. */
const inputWrapperOrder: ('label' | 'input' | 'description' | 'error')[] = [
  'label',
  'input',
  'error',
  'description',
];

export const theme = createTheme({
  colors: { accent },
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 5 },
  fontFamily: 'var(--g-font)',
  fontFamilyMonospace: 'var(--g-mono)',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '16px', sm: '20px', md: '22px', lg: '24px', xl: '28px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  defaultRadius: '6px',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'sm' } }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        transitionProps: { duration: 120 },
        overlayProps: { backgroundOpacity: 0.4 },
      },
    }),
    NumberInput: NumberInput.extend({ defaultProps: { hideControls: true, inputWrapperOrder } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: 'sm', inputWrapperOrder } }),
    Select: Select.extend({
      defaultProps: {
        size: 'sm',
        inputWrapperOrder,
        comboboxProps: { transitionProps: { duration: 0 } },
      },
    }),
    Switch: Switch.extend({ defaultProps: { size: 'sm' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'sm', inputWrapperOrder } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'sm', inputWrapperOrder } }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 250, transitionProps: { duration: 80 } },
    }),
  },
});

const shared = {
  '--mantine-color-body': 'var(--g-surface)',
  '--mantine-color-text': 'var(--g-text-1)',
  '--mantine-color-bright': 'var(--g-text-1)',
  '--mantine-color-dimmed': 'var(--g-text-3)',
  '--mantine-color-placeholder': 'var(--g-text-3)',
  '--mantine-color-anchor': 'var(--g-accent)',
  '--mantine-color-error': 'var(--g-error)',
  '--mantine-color-default': 'var(--g-surface)',
  '--mantine-color-default-hover': 'var(--g-sunken)',
  '--mantine-color-default-color': 'var(--g-text-1)',
  '--mantine-color-default-border': 'var(--g-control)',
  '--mantine-color-disabled': 'var(--g-sunken)',
  '--mantine-color-disabled-color': 'var(--g-text-3)',
  '--mantine-color-disabled-border': 'var(--g-line)',
  '--mantine-primary-color-filled': 'var(--g-button)',
  '--mantine-primary-color-filled-hover': 'var(--g-button-hover)',
  '--mantine-color-accent-filled': 'var(--g-button)',
  '--mantine-color-accent-filled-hover': 'var(--g-button-hover)',
  '--mantine-color-accent-light': 'var(--g-run-soft)',
  '--mantine-color-accent-light-hover': 'var(--g-run-soft)',
  '--mantine-color-accent-light-color': 'var(--g-accent)',
  '--mantine-color-red-filled': '#b3261e',
  '--mantine-color-red-filled-hover': '#942019',
  '--mantine-color-red-outline': 'var(--g-error)',
};

/** Maps Mantine's colours onto the tokens of tokens.css, which know light and dark themselves. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: shared,
  dark: shared,
});
