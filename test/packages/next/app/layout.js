export const metadata = { title: 'Next', icons: { icon: 'data:,' } };
export const dynamic = 'force-dynamic'; // so that each answer has its nonce

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
